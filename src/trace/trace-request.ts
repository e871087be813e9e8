/**
 * One request through traced proxies: starts them, sends it, collects what each logged of it, ends them.
 *
 *   (warm-up request) -> mark the logs -> request -> wait for each hop's access-log stage -> stop -> read the access logs
 *
 * Owns a folder for configurations and logs, gone at the end whatever happens.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { delay } from '../base/clock.ts';
import { loadBootstrap, readConfigFile } from '../config/load-bootstrap.ts';
import { CONFIG_CHECKS } from '../server/config-checks.ts';
import { startDemoChain } from './demo-chain.ts';
import type { DemoChain } from './demo-chain.ts';
import { mergeHops } from './merge-hops.ts';
import { addressOfUpstream, traceHop } from './stage.ts';
import type { HopTrace, Stage } from './stage.ts';
import { firstHttpListener } from './traced-bootstrap.ts';
import { TracedProxy, TraceError } from './traced-proxy.ts';

/** A route may wait 15 s for its upstream, and try again. */
const ANSWER_MS = 60_000;
/** The last line is written when the kernel has the last byte, so soon after the client has read it. */
const LOGGED_MS = 3000;
const LOOK_EVERY_MS = 10;

export interface TraceOptions {
  /** Absent: the demo of two proxies. */
  readonly configFile?: string;
  /** A path, or a URL whose host is only the `host` header. */
  readonly target: string;
  readonly method: string;
  readonly body: string;
  /** The same request beforehand: connections are in the pool, code is compiled. */
  readonly warm: boolean;
}

export interface Answered {
  readonly status: number;
  readonly bodyBytes: number;
}

export interface TracedHop {
  readonly name: string;
  readonly pid: number;
  readonly downstream: number;
  readonly upstream: number;
  readonly stream: number;
  /** ms by which this process's clock was moved to fit the first one's. */
  readonly shift: number;
  readonly accessLog: string;
}

export interface TraceResult {
  readonly method: string;
  readonly path: string;
  readonly answer: Answered;
  readonly hops: readonly TracedHop[];
  readonly stages: readonly Stage[];
}

/** Throws `ConfigError` and `TraceError`. */
export async function traceRequest(options: TraceOptions): Promise<TraceResult> {
  const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-trace-'));
  try {
    const place = options.configFile === undefined ? 0 : listenerOf(options.configFile);
    const chain = await startChain(options.configFile, folder);
    try {
      return await traceThrough(chain, chain.hops[0]?.ports[place] ?? 0, options);
    } finally {
      await chain.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startChain(configFile: string | undefined, folder: string): Promise<DemoChain> {
  if (configFile === undefined) return startDemoChain(folder);
  const hop = await TracedProxy.start({ name: 'proxy', configFile, folder });
  return { hops: [hop], stop: () => hop.stop() };
}

/** Checked here, where a mistake in the file can be told as such. */
function listenerOf(configFile: string): number {
  const source = { text: readConfigFile(configFile), file: configFile };
  const place = firstHttpListener(loadBootstrap(source, { checks: CONFIG_CHECKS }));
  if (place < 0) throw new TraceError(`${configFile} has no listener with an http_connection_manager`);
  return place;
}

async function traceThrough(chain: DemoChain, port: number, options: TraceOptions): Promise<TraceResult> {
  const { hops } = chain;
  if (options.warm) {
    const { client } = await send(port, options);
    // Each hop that it reached has logged the end of it: what stands behind the marks is of the next request alone.
    await tracesOf(
      hops,
      hops.map(() => 0),
      client,
    );
  }
  const marks = hops.map((hop) => hop.mark());
  const { answer, client, path } = await send(port, options);
  const traces = await tracesOf(hops, marks, client);
  await chain.stop();
  const { stages, shifts } = mergeHops(traces);
  const traced = traces.map(({ downstream, upstream, stream }, index) => {
    const hop = hops[index];
    const accessLog = hop?.accessLogLines().at(-1) ?? '';
    const [name, pid] = [hop?.name ?? '', hop?.pid ?? 0];
    return { name, pid, downstream, upstream, stream, shift: shifts[index] ?? 0, accessLog };
  });
  return { method: options.method, path, answer, hops: traced, stages };
}

/** From the hop that the client met, along the upstream connections, as far as the request came. */
async function tracesOf(
  hops: readonly TracedProxy[],
  marks: readonly number[],
  client: string,
): Promise<HopTrace[]> {
  const traces: HopTrace[] = [];
  let from: string | null = client;
  for (const [index, hop] of hops.entries()) {
    if (from === null) break;
    const trace = await traceOf(hop, index, marks[index] ?? 0, from);
    if (trace === null) {
      if (index === 0)
        throw new TraceError('the proxy answered, but its log does not show the whole request');
      break;
    }
    traces.push(trace);
    from = trace.upstream === 0 ? null : addressOfUpstream(hop.linesSince(0), trace.upstream);
  }
  return traces;
}

async function traceOf(
  hop: TracedProxy,
  index: number,
  mark: number,
  client: string,
): Promise<HopTrace | null> {
  for (let waited = 0; waited < LOGGED_MS; waited += LOOK_EVERY_MS) {
    const trace = traceHop(index, hop.linesSince(0), hop.linesSince(mark), client);
    if (trace !== null) return trace;
    await delay(LOOK_EVERY_MS);
  }
  return null;
}

interface Sent {
  readonly answer: Answered;
  /** The client's own address, as the first hop sees it. */
  readonly client: string;
  readonly path: string;
}

function send(port: number, { target, method, body }: TraceOptions): Promise<Sent> {
  const url = new URL(target, 'http://nodeproxy.trace');
  const path = `${url.pathname}${url.search}`;
  const headers = {
    host: url.host,
    'user-agent': 'nodeproxy-trace',
    ...(body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
  };
  // Kept alive: the end of the connection is no stage of the request.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return new Promise<Sent>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent, timeout: ANSWER_MS });
    let client = '';
    sent.once('socket', (socket) => {
      socket.once('connect', () => (client = `${socket.localAddress}:${socket.localPort}`));
    });
    sent.once('timeout', () => sent.destroy(new TraceError(`no answer within ${ANSWER_MS / 1000} s`)));
    sent.once('error', (error) =>
      reject(error instanceof TraceError ? error : new TraceError(`no answer: ${error.message}`)),
    );
    sent.once('response', (response) => {
      let bodyBytes = 0;
      response.on('data', (chunk: Buffer) => (bodyBytes += chunk.length));
      response.once('error', (error) => reject(new TraceError(`the answer broke off: ${error.message}`)));
      response.once('end', () =>
        resolve({ answer: { status: response.statusCode ?? 0, bodyBytes }, client, path }),
      );
    });
    sent.end(body);
  }).finally(() => agent.destroy());
}
