/**
 * From lines of the application log to the stages of one request, in Envoy's terms.
 *
 * The request is found by the client's address at accept, or, on a hop behind another proxy, by the local address of that proxy's
 * upstream connection. Its lines are those of its downstream connection, of its upstream connections from the moment the pool names
 * them, and those without a connection between the two ends: the proxy serves nobody else meanwhile.
 */
import type { LogLine } from './log-line.ts';

export interface Stage {
  readonly at: number;
  readonly hop: number;
  readonly thread: string;
  readonly component: string;
  readonly name: string;
  readonly downstream: number;
  /** 0: not known yet. */
  readonly upstream: number;
  readonly stream: number;
  readonly text: string;
}

/** What one hop did with the request. */
export interface HopTrace {
  readonly downstream: number;
  /** The last attempt's; 0: none. */
  readonly upstream: number;
  readonly stream: number;
  readonly stages: readonly Stage[];
}

type Side = 'any' | 'down' | 'up';

/** First match counts. `$1` in a name is the pattern's first group. */
const NAMES: readonly (readonly [RegExp, string, Side])[] = [
  [/^new connection from /, 'accept', 'any'],
  [/^listener '/, 'listener', 'any'],
  [/filter chain.* matched/, 'filter chain match', 'any'],
  [/^read \d+ bytes/, 'read from client', 'down'],
  [/^read \d+ bytes/, 'read from upstream', 'up'],
  [/^wrote \d+ bytes/, 'flush to client', 'down'],
  [/^wrote \d+ bytes/, 'flush to upstream', 'up'],
  [/^new stream/, 'stream created', 'any'],
  [/^request headers complete/, 'codec: request head', 'any'],
  [/^(?:no )?route /, 'route', 'any'],
  [/^decode \w+ to filter /, 'decode filter', 'any'],
  [/^decode \w+ returned /, 'decode filter returned', 'any'],
  [/^encode \w+ to filter /, 'encode filter', 'any'],
  [/^encode \w+ returned /, 'encode filter returned', 'any'],
  [/^cluster '/, 'cluster', 'any'],
  [/^host /, 'host', 'any'],
  [/^queueing stream/, 'pool: request waits', 'any'],
  [/^creating a new connection/, 'pool: new connection', 'any'],
  [/^connected to /, 'connect: done', 'any'],
  [/^its local address is /, 'connect: own address', 'any'],
  [/^using existing connection/, 'pool: connection reused', 'any'],
  [/^using a fully connected new/, 'pool: connection fresh', 'any'],
  [/^pool ready/, 'pool: ready', 'any'],
  [/^pool failure/, 'pool: failure', 'any'],
  [/^encoding request/, 'codec: request encoded', 'any'],
  [/^request complete/, 'request complete', 'any'],
  [/^upstream headers complete/, 'codec: response head', 'any'],
  [/^upstream reset/, 'upstream reset', 'any'],
  [/^performing retry/, 'retry', 'any'],
  [/^encoding headers via codec/, 'codec: response encoded', 'any'],
  [/^Codec completed/, 'response complete', 'any'],
  [/^response complete/, 'pool: connection free', 'any'],
  [/^client disconnected/, 'pool: connection gone', 'any'],
  [/^Sending local reply/, 'local reply', 'any'],
  [/^reads off/, 'flow control: pause', 'any'],
  [/^reads on/, 'flow control: go on', 'any'],
  [/^stream /, 'stream done', 'any'],
  [/^access log line/, 'access log', 'any'],
  [/^closing /, 'close', 'any'],
];

const ACCEPT = /^new connection from (\S+)$/;
const READY = /^pool ready: upstream connection \[C(\d+)\]/;
/** Lines of a pool that come before the stream knows its connection. */
const OPENED = /^(?:creating a new connection|using (?:an? )?)/;
const LOGGED = /^access log line/;
/** Lines about the process, not about a request. */
const ASIDE = ['main', 'admin', 'stats', 'dns', 'config', 'file', 'thread'];

/** Null: this hop has not seen the request, or it has not logged it yet. */
export function traceHop(
  hop: number,
  before: readonly LogLine[],
  lines: readonly LogLine[],
  client: string,
): HopTrace | null {
  const downstream = connectionFrom(client, lines) ?? connectionFrom(client, before);
  if (downstream === null) return null;
  const ownEnd = lines.findIndex((line) => line.connection === downstream && LOGGED.test(line.text));
  const start = lines.findIndex((line) => line.connection === downstream);
  if (ownEnd < 0) return null;
  const stages: Stage[] = [];
  const upstreams = new Set<number>();
  let [upstream, stream] = [0, 0];
  for (const line of lines.slice(start, ownEnd + 1)) {
    const { connection, component, text } = line;
    if (connection === 0 && ASIDE.includes(component)) continue;
    const ready = READY.exec(text);
    if (connection === downstream) stream = line.stream === 0 ? stream : line.stream;
    else if (connection !== 0) {
      if (OPENED.test(text)) upstreams.add(connection);
      if (!upstreams.has(connection)) continue;
      upstream = connection;
    }
    if (ready !== null) upstream = Number(ready[1]);
    const side = connection === downstream ? 'down' : 'up';
    stages.push({
      at: line.at,
      hop,
      thread: line.thread,
      component,
      name: nameOf(line, side),
      downstream,
      upstream,
      stream,
      text,
    });
  }
  return { downstream, upstream, stream, stages };
}

/** The own address of an upstream connection: by it the next hop knows its client. Null: the log does not tell. */
export function addressOfUpstream(lines: readonly LogLine[], upstream: number): string | null {
  const line = lines.find(
    ({ connection, text }) => connection === upstream && text.startsWith('its local address is '),
  );
  return line?.text.slice('its local address is '.length) ?? null;
}

function connectionFrom(client: string, lines: readonly LogLine[]): number | null {
  const line = lines.findLast(({ text }) => ACCEPT.exec(text)?.[1] === client);
  return line?.connection ?? null;
}

function nameOf({ text, component }: LogLine, side: Side): string {
  const found = NAMES.find(([pattern, , of]) => (of === 'any' || of === side) && pattern.test(text));
  return found?.[1] ?? component;
}
