/**
 * The proxies that are compared, each configured for the same work: HTTP/1.1 keep-alive on both sides, one upstream, a request
 * id, x-forwarded-for, and (where the name says so) an access log to a file. One worker each.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { INSTRUMENTED_FORMAT } from '../../src/observe/format/instrumented-format.ts';
import { MeasuredProcess } from './process.ts';

export interface Bench {
  /** Folder for configurations and logs. */
  readonly folder: string;
  readonly proxyCore: number;
  readonly otherCore: number;
}

export const UPSTREAM_PORT = 19000;
const BIN = new URL('../../bin/nodeproxy.js', import.meta.url).pathname;

/** nginx answering by itself: the fastest upstream at hand. `/1m` is 1 MiB from the page cache. */
export async function startUpstream(bench: Bench): Promise<MeasuredProcess> {
  const www = join(bench.folder, 'www');
  mkdirSync(www, { recursive: true });
  writeFileSync(join(www, '1m'), Buffer.alloc(1024 * 1024, 0x61));
  const config = nginxConfig(
    bench,
    'upstream',
    `
    access_log off;
    keepalive_requests 1000000000;
    server {
      listen 127.0.0.1:${UPSTREAM_PORT} backlog=16384;
      location / { return 200 "hello world\\n"; }
      location /1m { root ${www}; }
    }`,
  );
  return startNginx('upstream', config, bench.otherCore, UPSTREAM_PORT);
}

/** `log`: `none`, `plain` (Envoy's default format) or `full` (every instrumented group). */
export async function startNodeproxy(
  bench: Bench,
  port: number,
  log: 'none' | 'plain' | 'full',
  concurrency = 1,
): Promise<MeasuredProcess> {
  const name = `nodeproxy, ${log} log`;
  const path = join(bench.folder, `nodeproxy-${log}.log`);
  const format =
    log === 'full' ? { log_format: { text_format_source: { inline_string: INSTRUMENTED_FORMAT } } } : {};
  const accessLog = {
    name: 'envoy.access_loggers.file',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
      path,
      ...format,
    },
  };
  const manager = {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'bench',
    use_remote_address: true,
    access_log: log === 'none' ? [] : [accessLog],
    route_config: {
      name: 'bench',
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'upstream' } }] },
      ],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
  const file = nodeproxyConfig(bench, `nodeproxy-${log}`, port, {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: manager,
  });
  return startNodeproxyWith(name, file, bench, port, concurrency);
}

export async function startNodeproxyTcp(bench: Bench, port: number): Promise<MeasuredProcess> {
  const filter = {
    name: 'envoy.filters.network.tcp_proxy',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
      stat_prefix: 'bench',
      cluster: 'upstream',
    },
  };
  return startNodeproxyWith(
    'nodeproxy, tcp_proxy',
    nodeproxyConfig(bench, 'nodeproxy-tcp', port, filter),
    bench,
    port,
    1,
  );
}

export async function startNginxProxy(bench: Bench, port: number): Promise<MeasuredProcess> {
  const config = nginxConfig(
    bench,
    'proxy',
    `
    log_format full '[$time_iso8601] "$request" $status $request_length $bytes_sent $request_time $upstream_response_time '
      '$upstream_connect_time "$http_x_forwarded_for" "$http_user_agent" "$request_id" "$host" "$upstream_addr" $connection $pid';
    access_log ${join(bench.folder, 'nginx.log')} full buffer=64k flush=1s;
    keepalive_requests 1000000000;
    upstream u { server 127.0.0.1:${UPSTREAM_PORT}; keepalive 128; keepalive_requests 1000000000; }
    server {
      listen 127.0.0.1:${port} backlog=16384;
      location / {
        proxy_pass http://u;
        proxy_http_version 1.1;
        proxy_set_header connection "";
        proxy_set_header x-forwarded-for $proxy_add_x_forwarded_for;
        proxy_set_header x-request-id $request_id;
      }
    }`,
  );
  return startNginx('nginx with log', config, bench.proxyCore, port);
}

export async function startHaproxy(
  bench: Bench,
  port: number,
  mode: 'http' | 'tcp',
): Promise<MeasuredProcess> {
  const http = `  option httplog\n  option forwardfor\n  unique-id-format %[uuid()]\n  unique-id-header x-request-id\n  http-reuse always`;
  const file = join(bench.folder, `haproxy-${mode}.cfg`);
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 9900
  log stdout format raw local0
defaults
  mode ${mode}
  timeout connect 5s
  timeout client 60s
  timeout server 60s
${mode === 'http' ? '  log global' : ''}
frontend f
  bind 127.0.0.1:${port} backlog 16384
${mode === 'http' ? http.replace('\n  http-reuse always', '') : ''}
  default_backend b
backend b
${mode === 'http' ? '  http-reuse always' : ''}
  server s 127.0.0.1:${UPSTREAM_PORT}
`,
  );
  return MeasuredProcess.start({
    name: mode === 'http' ? 'haproxy with log' : 'haproxy, tcp mode',
    command: 'haproxy',
    args: ['-q', '-f', file],
    core: bench.proxyCore,
    port,
    stdout: join(bench.folder, `haproxy-${mode}.log`),
  });
}

function nodeproxyConfig(bench: Bench, name: string, port: number, filter: unknown): string {
  const socket = (at: number): unknown => ({ socket_address: { address: '127.0.0.1', port_value: at } });
  const endpoint = { endpoint: { address: socket(UPSTREAM_PORT) } };
  const thresholds = [{ max_connections: 40_000, max_pending_requests: 40_000, max_requests: 40_000 }];
  const file = join(bench.folder, `${name}.json`);
  const bootstrap = {
    static_resources: {
      listeners: [
        {
          name: 'bench',
          address: socket(port),
          tcp_backlog_size: 16_384,
          filter_chains: [{ filters: [filter] }],
        },
      ],
      clusters: [
        {
          name: 'upstream',
          type: 'STATIC',
          connect_timeout: '5s',
          circuit_breakers: { thresholds },
          load_assignment: { cluster_name: 'upstream', endpoints: [{ lb_endpoints: [endpoint] }] },
        },
      ],
    },
  };
  writeFileSync(file, JSON.stringify(bootstrap, null, 2));
  return file;
}

function startNodeproxyWith(
  name: string,
  file: string,
  bench: Bench,
  port: number,
  concurrency: number,
): Promise<MeasuredProcess> {
  const args = [BIN, 'run', '-c', file, '--concurrency', String(concurrency), '--log-level', 'error'];
  return MeasuredProcess.start({ name, command: process.execPath, args, core: bench.proxyCore, port });
}

function nginxConfig(bench: Bench, name: string, http: string): string {
  const file = join(bench.folder, `nginx-${name}.conf`);
  // As root its worker would become another user, who may not read the folder of the run.
  const user = process.getuid?.() === 0 ? 'user root;\n' : '';
  const root = `${user}worker_processes 1;\nworker_rlimit_nofile 65536;\ndaemon off;\npid ${file}.pid;\nerror_log ${file}.err;\n`;
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(bench.folder, kind)};`,
  );
  writeFileSync(
    file,
    `${root}events { worker_connections 60000; }\nhttp {\n${temp.join('\n')}\n${http}\n}\n`,
  );
  return file;
}

function startNginx(name: string, config: string, core: number, port: number): Promise<MeasuredProcess> {
  return MeasuredProcess.start({
    name,
    command: 'nginx',
    args: ['-c', config],
    core,
    port,
    measureChildren: true,
  });
}
