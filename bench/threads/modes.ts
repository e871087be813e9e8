/** The three ways in which workers come to their connections, as fields of a listener, and the proxy's configuration for one. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type ModeName = 'reuse_port' | 'shared socket' | 'exact balance';

export interface Mode {
  readonly name: ModeName;
  /** Fields of the listener. */
  readonly listener: Readonly<Record<string, unknown>>;
}

export const MODES: readonly Mode[] = [
  { name: 'reuse_port', listener: { enable_reuse_port: true } },
  { name: 'shared socket', listener: { enable_reuse_port: false } },
  {
    name: 'exact balance',
    listener: { enable_reuse_port: true, connection_balance_config: { exact_balance: {} } },
  },
];

const ANY_PORT = { socket_address: { address: '127.0.0.1', port_value: 0 } };
const TYPES = 'type.googleapis.com/envoy.extensions';
const WORK_TYPE = 'type.googleapis.com/nodeproxy.extensions.filters.http.javascript.v1.JavaScript';
/** Stands for what a real chain of filters computes: then the workers are the bottleneck, not the client. */
const WORK_FILTER = `export default function work({ us }) {
  return {
    onRequest() {
      const until = performance.now() + us / 1000;
      while (performance.now() < until);
    },
  };
}
`;

export interface ThreadsConfig {
  readonly mode: Mode;
  /** Microseconds that each request computes on its worker. */
  readonly workUs: number;
  /** Becomes the proxy's; the configuration lies there with its filter. */
  readonly folder: string;
  /** One line a request: the thread's id and the downstream connection's. */
  readonly accessLog: string;
}

/** The file of the bootstrap. The proxy answers by itself: nothing behind it has a share in the figures. */
export function writeThreadsConfig({ mode, workUs, folder, accessLog }: ThreadsConfig): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'work.mjs'), WORK_FILTER);
  const log = {
    '@type': `${TYPES}.access_loggers.file.v3.FileAccessLog`,
    path: accessLog,
    log_format: { text_format_source: { inline_string: '%THREAD_ID% %CONNECTION_ID%\n' } },
  };
  const work = { '@type': WORK_TYPE, module: 'work.mjs', config: { us: workUs } };
  const answer = { status: 200, body: { inline_string: 'hello\n' } };
  const manager = {
    '@type': `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'threads',
    access_log: [{ name: 'file', typed_config: log }],
    route_config: {
      name: 'threads',
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: answer }] },
      ],
    },
    http_filters: [
      { name: 'work', typed_config: work },
      { name: 'router', typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router` } },
    ],
  };
  const listener = {
    name: 'threads',
    address: ANY_PORT,
    ...mode.listener,
    filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
  };
  const bootstrap = { admin: { address: ANY_PORT }, static_resources: { listeners: [listener] } };
  const file = join(folder, 'bootstrap.json');
  writeFileSync(file, JSON.stringify(bootstrap, null, 2));
  return file;
}
