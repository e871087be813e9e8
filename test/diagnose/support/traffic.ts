/**
 * Logs as a proxy would have written them, from a seed: healthy requests, and requests with one known ill. Each line is consistent in
 * itself: its segments add up to its total, its six numbers and stamps follow from them.
 */

/** Where the time goes, us; filters as `filter.audit`. */
export type Segments = Readonly<Record<string, number>>;

export interface Piece {
  readonly afterUs: number;
  readonly bytes: number;
  readonly marks: string;
  readonly waitedUs?: number;
  readonly tookUs?: number;
}

export interface Request {
  readonly startUs: number;
  readonly segments: Segments;
  readonly thread: number;
  readonly downstream: number;
  readonly upstream: number;
  /** Connection that was opened for it; 0 = none. */
  readonly created: number;
  readonly method: string;
  readonly path: string;
  readonly code: number;
  readonly flags: string;
  readonly details: string;
  readonly received: number;
  readonly sent: number;
  readonly cluster: string;
  readonly secureUpstream: boolean;
  readonly requestPieces: readonly Piece[];
  readonly responsePieces: readonly Piece[];
  readonly upstreamBlocked: number;
  readonly downstreamBlocked: number;
  readonly turns: readonly [number, number];
  readonly client: string;
}

/** Uniform in [0, 1) from a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const THREADS = [4711, 4712, 4713, 4714];
const CONNECTIONS = 400;
const POOL = 48;
export const EPOCH_US = Date.parse('2026-11-21T06:00:00.000Z') * 1000;
const US_PER_REQUEST = 900;
const PATHS = [
  '/',
  '/users/17',
  '/orders/2f8a91c0d3e4/items',
  '/search?q=tea',
  '/static/app.js',
  '/v2/prices',
];

export type Ill =
  | 'fragmented'
  | 'late'
  | 'gap'
  | 'flow-downstream'
  | 'flow-upstream'
  | 'filter'
  | 'paused-filter'
  | 'pool'
  | 'connect'
  | 'unused'
  | 'upstream'
  | 'body'
  | 'kernel'
  | 'blocked'
  | 'head'
  | 'closed'
  | 'too-large';

export class Traffic {
  readonly random: () => number;
  #count = 0;
  /** End of the last use of each upstream connection. */
  #turn = 1000;

  constructor(seed: number) {
    this.random = randomOf(seed);
  }

  /** From `least` on, half of them below `median`, hardly any above eight times it. */
  #spread(least: number, median: number): number {
    const r = this.random();
    return Math.round(least + (median - least) * Math.min(8, -Math.log2(1 - r)));
  }

  healthy(): Request {
    const index = this.#count;
    this.#count += 1;
    this.#turn += 1;
    const thread = THREADS[index % THREADS.length] ?? 0;
    const isPost = this.random() < 0.3;
    const received = isPost ? Math.floor(this.random() * 12_000) : 0;
    const sent = Math.floor(this.random() * 30_000);
    const head = 170 + Math.floor(this.random() * 60);
    const upstreamUs = this.#spread(300, 2000);
    const apart = sent > 20_000;
    const body = apart ? this.#spread(20, 200) : 0;
    const cluster = this.random() < 0.8 ? 'users' : 'orders';
    const first = index < POOL;
    return {
      startUs: EPOCH_US + index * US_PER_REQUEST + Math.floor(this.random() * 500),
      segments: {
        client: 10,
        'filter.audit': 20 + Math.floor(this.random() * 30),
        ...(first ? { connect: 300 } : {}),
        upstream: upstreamUs,
        body,
        deliver: 15,
        proxy: 90 + Math.floor(this.random() * 40),
      },
      thread,
      downstream: 1 + Math.floor((index * 7919) % CONNECTIONS),
      upstream: CONNECTIONS + 1 + (index % POOL),
      created: first ? CONNECTIONS + 1 + (index % POOL) : 0,
      method: isPost ? 'POST' : 'GET',
      path: PATHS[Math.floor(this.random() * PATHS.length)] ?? '/',
      code: 200,
      flags: '-',
      details: 'via_upstream',
      received,
      sent,
      cluster,
      secureUpstream: true,
      requestPieces: [
        {
          afterUs: 0,
          bytes: head + received,
          marks: isPost ? 'H,D,E' : 'H',
          waitedUs: Math.floor(this.random() * 200),
        },
      ],
      responsePieces: apart
        ? [
            { afterUs: 0, bytes: 16_384, marks: 'H,D' },
            { afterUs: body, bytes: sent - 16_184, marks: 'D,E' },
          ]
        : [{ afterUs: 0, bytes: sent + 200, marks: 'H,D,E' }],
      upstreamBlocked: 0,
      downstreamBlocked: 0,
      turns: [this.#turn, this.#turn + 3],
      client: `10.0.${index % 7}.${index % 200}`,
    };
  }

  /** A healthy request, made ill in one way. */
  ill(kind: Ill): Request {
    return illOf(this.healthy(), kind);
  }
}

function with_(request: Request, segments: Segments, more: Partial<Request> = {}): Request {
  return { ...request, ...more, segments: { ...request.segments, ...segments } };
}

function illOf(request: Request, kind: Ill): Request {
  const { sent } = request;
  switch (kind) {
    case 'fragmented':
      return with_(
        request,
        { client: 240_000 },
        {
          method: 'POST',
          received: 9000,
          requestPieces: [
            { afterUs: 0, bytes: 1630, marks: 'H,D' },
            { afterUs: 120_000, bytes: 3770, marks: 'D' },
            { afterUs: 240_000, bytes: 3770, marks: 'D,E' },
          ],
        },
      );
    case 'late':
      return with_(
        request,
        { loop: 60_000, client: 10 },
        {
          method: 'POST',
          received: 9000,
          requestPieces: [
            { afterUs: 0, bytes: 170, marks: 'H' },
            { afterUs: 60_010, bytes: 9000, marks: 'D,E', waitedUs: 60_000 },
          ],
        },
      );
    case 'gap':
      return with_(
        request,
        { body: 40_000 },
        {
          responsePieces: [
            { afterUs: 0, bytes: 160, marks: 'H' },
            { afterUs: 40_000, bytes: sent, marks: 'D,E' },
          ],
        },
      );
    case 'flow-downstream':
      return with_(
        request,
        { 'flow.downstream': 300_000 },
        {
          responsePieces: [
            { afterUs: 0, bytes: 60_000, marks: 'H,D!1' },
            { afterUs: 300_000, bytes: 60_000, marks: 'D+300000<@>,E' },
          ],
        },
      );
    case 'flow-upstream':
      return with_(
        request,
        { 'flow.upstream': 200_000 },
        {
          method: 'POST',
          received: 99_000,
          requestPieces: [
            { afterUs: 0, bytes: 60_000, marks: 'H,D!1' },
            { afterUs: 200_000, bytes: 39_200, marks: 'D+200000<@>,E' },
          ],
        },
      );
    case 'filter':
      return with_(request, { 'filter.lua': 90_000 });
    case 'paused-filter':
      return with_(request, { 'paused.ext_authz': 150_000 });
    case 'pool':
      return with_(request, { pool: 70_000 });
    case 'connect':
      return with_(request, { connect: 12_000, handshake: 30_000 }, { created: request.upstream });
    case 'unused':
      return { ...request, created: request.upstream + 5000 };
    case 'upstream':
      return with_(request, { upstream: 800_000 });
    case 'body':
      return with_(
        request,
        { body: 500_000 },
        {
          responsePieces: [
            { afterUs: 0, bytes: 2000, marks: 'H,D' },
            { afterUs: 250_000, bytes: 2000, marks: 'D' },
            { afterUs: 500_000, bytes: 2000, marks: 'D,E' },
          ],
        },
      );
    case 'kernel':
      return with_(
        request,
        { proxy: 30_000 },
        {
          requestPieces: [{ afterUs: 0, bytes: 200 + request.received, marks: 'H', tookUs: 29_000 }],
        },
      );
    case 'blocked':
      return with_(request, { deliver: 120_000 }, { downstreamBlocked: 4 });
    case 'head':
      return {
        ...request,
        method: 'GET',
        received: 0,
        requestPieces: [{ afterUs: 0, bytes: 24_576, marks: 'H' }],
      };
    case 'closed':
      return {
        ...request,
        code: 503,
        flags: 'UC',
        details: 'upstream_reset_before_response_started{connection_termination}',
        responsePieces: [],
      };
    case 'too-large':
      return {
        ...request,
        method: 'POST',
        code: 413,
        details: 'request_payload_too_large',
        upstream: 0,
        created: 0,
        responsePieces: [],
      };
    default:
      return kind satisfies never;
  }
}

function stamp(us: number, micro: boolean): string {
  const inHour = us % 3_600_000_000;
  const seconds = Math.floor(inHour / 1_000_000);
  const fraction = String(inHour % 1_000_000).padStart(6, '0');
  const two = (n: number): string => String(n).padStart(2, '0');
  return `<${two(Math.floor(seconds / 60))}:${two(seconds % 60)}.${micro ? fraction : fraction.slice(0, 3)}>`;
}

export interface Rendering {
  /** Groups in microseconds; else milliseconds, as the talk's. */
  readonly micro: boolean;
  /** Downstream writes, ledger, verdict, turns behind the talk's line. */
  readonly diagnostic: boolean;
}

export const DIAGNOSTIC: Rendering = { micro: true, diagnostic: true };

export function totalOf({ segments }: Request): number {
  return Object.values(segments).reduce((sum, us) => sum + us, 0);
}

/** The line, without a line feed. */
export function lineOf(request: Request, { micro, diagnostic }: Rendering = DIAGNOSTIC): string {
  const { segments, startUs, upstream, created } = request;
  const sum = (...names: string[]): number => names.reduce((all, name) => all + (segments[name] ?? 0), 0);
  const filters = Object.entries(segments).reduce(
    (all, [name, us]) => all + (/^(filter|paused)\./.test(name) ? us : 0),
    0,
  );
  const receive = sum('client', 'loop', 'flow.upstream');
  const reached = upstream !== 0;
  const sentAt = receive + filters + sum('pool', 'connect', 'handshake');
  const answeredAt = sentAt + sum('upstream');
  const total = totalOf(request);
  const ms = (us: number): number => Math.floor(us / 1000);
  const answered = reached && request.responsePieces.length > 0;
  const service = answered ? String(ms(answeredAt - receive - filters)) : '-';
  const base =
    `[${new Date(startUs / 1000).toISOString()}] "${request.method} ${request.path} HTTP/1.1" ${request.code} ${request.flags} ` +
    `${request.details} - "-" ${request.received} ${request.sent} ${ms(total)} ${service} "-" "seeded/1.0" ` +
    `"8d1ba2c4-cfad-91cb-8c45-${String(startUs).slice(-12)}" "shop.example:8080" "${reached ? '10.1.0.9:9000' : '-'}" ` +
    `${request.cluster} ${reached ? '10.1.0.1:40123' : '-'} 10.96.45.119:9000 ${request.client}:49218 - default`;
  const six = [
    ms(total),
    ms(receive),
    reached ? ms(sentAt) : '-',
    answered ? ms(answeredAt) : '-',
    answered ? ms(total - answeredAt) : '-',
    service,
  ];
  const unit = (us: number): number => (micro ? us : ms(us));
  const reads = (connection: number, secure: boolean, fromUs: number, pieces: readonly Piece[]): string =>
    pieces
      .map(({ afterUs, bytes, marks, waitedUs = 0, tookUs = 8 }) => {
        const at = fromUs + afterUs;
        const said = marks.replace(
          /\+(\d+)<@>/,
          (_, us: string) => `+${unit(Number(us))}${stamp(at - 100, micro)}`,
        );
        return `[C${connection}:${secure ? 'S' : 'R'}:${stamp(at, micro)}${unit(tookUs)},${unit(waitedUs)},${bytes}]${said}`;
      })
      .join('-');
  const down = reads(request.downstream, false, startUs, request.requestPieces);
  const requestBytes = request.requestPieces.reduce((all, { bytes }) => all + bytes, 0) + 1175;
  const tls = request.secureUpstream;
  const up = reached
    ? `[C${created}~C${upstream}:${tls ? 'S' : 'R'}:${request.upstreamBlocked},${stamp(startUs + sentAt, micro)}${unit(20)},${requestBytes}]d`
    : '';
  const back = answered ? reads(upstream, tls, startUs + answeredAt, request.responsePieces) : '-';
  const talk = `${base} : ${six.join(', ')} : (${request.thread}) "${down}" "${up === '' ? '-' : up}" "${back}" ${six[3]} ${six[4]}`;
  if (!diagnostic) return talk;
  const ledger = Object.entries(segments)
    .filter(([, us]) => us > 0)
    .map(([name, us]) => `${name}=${us}`)
    .join(',');
  const [verdict = '', most = 0] = Object.entries(segments).sort((a, b) => b[1] - a[1])[0] ?? [];
  const writes = `[C${request.downstream}:R:${request.downstreamBlocked},${stamp(startUs + total - sum('deliver'), micro)}${unit(10)},${request.sent + 150}]d`;
  return (
    `${talk} "${writes}" ${ledger} ${verdict} ${(most / 1000).toFixed(1)}ms ${Math.floor((most * 100) / total)}% ` +
    `${request.turns[0]}-${request.turns[1]}`
  );
}

/** The same request as a JSON line, with the keys of `config/json-log.yaml`. */
export function jsonOf(request: Request): string {
  const line = lineOf(request);
  const groups = [...line.matchAll(/"(\[C[^"]*|-)"/g)].map((match) => match[1] ?? '-');
  const ledger = Object.entries(request.segments)
    .filter(([, us]) => us > 0)
    .map(([name, us]) => `${name}=${us}`)
    .join(',');
  const reads = groups.filter((group) => group.startsWith('['));
  return JSON.stringify({
    time: new Date(request.startUs / 1000).toISOString(),
    method: request.method,
    path: request.path,
    status: request.code,
    flags: request.flags === '-' ? null : request.flags,
    details: request.details,
    duration_ms: Math.floor(totalOf(request) / 1000),
    bytes: { received: request.received, sent: request.sent },
    upstream: request.upstream === 0 ? null : '10.1.0.9:9000',
    thread: request.thread,
    downstream_read: reads[0] ?? null,
    upstream_read: request.responsePieces.length === 0 ? null : (reads[2] ?? null),
    ledger,
    verdict: null,
  });
}
