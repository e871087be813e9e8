/**
 * The whole proxy as a user starts it: the command in a process of its own, ports chosen by the kernel, found through the admin.
 *
 *   const proxy = await startProxy({ staticResources: httpProxyTo(upstreamPort) });
 *   … proxy.port('http') … await proxy.logLines(1) … await proxy.stop();
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { INSTRUMENTED_FORMAT } from '../../src/observe/format/instrumented-format.ts';
import { pause } from './raw-client.ts';

const BIN = new URL('../../bin/nodeproxy.js', import.meta.url).pathname;
/** Node's arguments for a process that does not outlive the test run: its standard input must be a pipe. */
export const END_WITH_PARENT = ['--import', new URL('./end-with-parent.ts', import.meta.url).href];
const START_MS = 30_000;
/** Longer than a busy machine takes for what a test waits for. */
const GUARD_MS = 20_000;

/** A piece of Envoy configuration. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface ProxyOptions {
  readonly staticResources: Json;
  /** Other top-level fields of the bootstrap. */
  readonly bootstrap?: { readonly [key: string]: Json };
  readonly args?: readonly string[];
  readonly concurrency?: number;
  readonly socketInterface?: 'syscall' | 'portable';
}

export class RunningProxy {
  readonly folder: string;
  readonly adminPort: number;
  readonly #child: ChildProcess;
  readonly #output: () => string;
  readonly #ports: ReadonlyMap<string, number>;

  constructor(
    folder: string,
    adminPort: number,
    child: ChildProcess,
    output: () => string,
    ports: ReadonlyMap<string, number>,
  ) {
    this.folder = folder;
    this.adminPort = adminPort;
    this.#child = child;
    this.#output = output;
    this.#ports = ports;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it has printed to standard error. */
  get output(): string {
    return this.#output();
  }

  /** The port that the listener of that name was given. */
  port(listener: string): number {
    const port = this.#ports.get(listener);
    if (port === undefined) throw new Error(`no listener ${listener}: ${[...this.#ports.keys()].join(', ')}`);
    return port;
  }

  async admin(path: string, method: 'GET' | 'POST' = 'GET'): Promise<string> {
    const { body } = await request(`http://127.0.0.1:${this.adminPort}${path}`, { method });
    return body.text();
  }

  /** A counter or gauge by name, 0 when it was never touched. */
  async stat(name: string): Promise<number> {
    const text = await this.admin('/stats');
    return Number(new RegExp(`^${RegExp.escape(name)}: (\\d+)`, 'm').exec(text)?.[1] ?? 0);
  }

  /** Resident bytes of the process. */
  resident(): number {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  }

  /** The access log's lines, once there are at least `count` (the file thread writes them a moment after the response). */
  async logLines(count: number, file = 'access.log'): Promise<string[]> {
    const path = join(this.folder, file);
    for (const until = Date.now() + GUARD_MS; Date.now() < until; await pause(25)) {
      const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
      if (lines.length >= count) return lines;
    }
    throw new Error(`fewer than ${count} lines in ${path}\n${this.output}`);
  }

  /** The first line of the access log that matches, once there is one. */
  async logLine(pattern: RegExp, file = 'access.log'): Promise<string> {
    const path = join(this.folder, file);
    for (const until = Date.now() + GUARD_MS; Date.now() < until; await pause(25)) {
      const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
      const line = lines.find((each) => pattern.test(each));
      if (line !== undefined) return line;
    }
    throw new Error(`no line like ${pattern} in ${path}\n${this.output}`);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Exit code of the process, once it has ended. */
  async exited(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }

  /** Ends it as a supervisor does. Throws when it does not end with code 0. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill('SIGTERM');
    const hurry = setTimeout(() => this.#child.kill('SIGTERM'), 2000);
    const code = await this.exited();
    clearTimeout(hurry);
    rmSync(this.folder, { recursive: true, force: true });
    if (code !== 0) throw new Error(`exit code ${code}\n${this.output}`);
  }
}

export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-test-'));
  const file = join(folder, 'bootstrap.json');
  const admin = { address: socketAddress(0) };
  const bootstrap = { admin, static_resources: options.staticResources, ...options.bootstrap };
  // Access logs go to the folder of the run.
  writeFileSync(file, JSON.stringify(bootstrap).replaceAll('$FOLDER', folder));
  const args = [
    BIN,
    'run',
    '-c',
    file,
    '--concurrency',
    String(options.concurrency ?? 2),
    '--file-flush-interval-msec',
    '20',
  ];
  if (options.socketInterface !== undefined) args.push('--socket-interface', options.socketInterface);
  const child = spawn(process.execPath, [...END_WITH_PARENT, ...args, ...(options.args ?? [])], {
    env: { ...process.env, NODEPROXY_SOURCE: '1', NODEPROXY_POISON: '1' },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const adminPort = Number(
    await waitFor(
      () => /admin address: 127\.0\.0\.1:(\d+)/.exec(output)?.[1],
      child,
      () => output,
    ),
  );
  await waitFor(
    () => /all workers accept/.exec(output)?.[0],
    child,
    () => output,
  );
  const { body } = await request(`http://127.0.0.1:${adminPort}/listeners?format=json`);
  const ports = new Map<string, number>();
  const { listener_statuses: statuses = [] } = (await body.json()) as {
    listener_statuses?: { name: string; local_address: { socket_address?: { port_value: number } } }[];
  };
  for (const { name, local_address: local } of statuses)
    ports.set(name, local.socket_address?.port_value ?? 0);
  return new RunningProxy(folder, adminPort, child, () => output, ports);
}

async function waitFor(
  look: () => string | undefined,
  child: ChildProcess,
  output: () => string,
): Promise<string> {
  const until = Date.now() + START_MS;
  while (Date.now() < until) {
    const found = look();
    if (found !== undefined) return found;
    if (child.exitCode !== null) break;
    await pause(10);
  }
  child.kill('SIGKILL');
  throw new Error(`the proxy did not start:\n${output()}`);
}

export function socketAddress(port: number): Json {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

export function cluster(
  name: string,
  ports: readonly number[],
  more: { readonly [key: string]: Json } = {},
): Json {
  const endpoints = ports.map((port) => ({ endpoint: { address: socketAddress(port) } }));
  return {
    name,
    type: 'STATIC',
    connect_timeout: '2s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: endpoints }] },
    ...more,
  };
}

export interface HttpOptions {
  /** Fields of the connection manager. */
  readonly manager?: { readonly [key: string]: Json };
  /** Fields of the one route (beside `cluster`), and of the listener. */
  readonly route?: { readonly [key: string]: Json };
  readonly listener?: { readonly [key: string]: Json };
  /** Of the one filter chain. */
  readonly chain?: { readonly [key: string]: Json };
  /** HTTP filters in front of the router. */
  readonly filters?: readonly Json[];
  readonly cluster?: { readonly [key: string]: Json };
  readonly format?: string;
}

/** One HTTP listener `http` with the instrumented log in `access.log`, everything to the cluster `upstream`. */
export function httpProxyTo(ports: readonly number[], options: HttpOptions = {}): Json {
  return { listeners: [httpListener(options)], clusters: [cluster('upstream', ports, options.cluster)] };
}

/** The listener of `httpProxyTo`, for a proxy that has several. */
export function httpListener(options: HttpOptions = {}): Json {
  const type = 'type.googleapis.com/envoy.extensions.filters';
  const manager = {
    '@type': `${type}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'ingress',
    access_log: [fileLog('access.log', options.format ?? INSTRUMENTED_FORMAT)],
    route_config: {
      name: 'routes',
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [
            { name: 'default', match: { prefix: '/' }, route: { cluster: 'upstream', ...options.route } },
          ],
        },
      ],
    },
    http_filters: [
      ...(options.filters ?? []),
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${type}.http.router.v3.Router` } },
    ],
    ...options.manager,
  };
  const filter = { name: 'envoy.filters.network.http_connection_manager', typed_config: manager };
  return {
    name: 'http',
    address: socketAddress(0),
    filter_chains: [{ filters: [filter], ...options.chain }],
    ...options.listener,
  };
}

export interface TcpOptions {
  /** Fields of the tcp_proxy, of the listener, of the cluster `upstream`; and clusters beside it. */
  readonly proxy?: { readonly [key: string]: Json };
  readonly listener?: { readonly [key: string]: Json };
  readonly cluster?: { readonly [key: string]: Json };
  readonly clusters?: readonly Json[];
}

/** One TCP listener `tcp` with an instrumented log. */
export function tcpProxyTo(ports: readonly number[], format: string, options: TcpOptions = {}): Json {
  const config = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
    stat_prefix: 'tcp',
    ...(options.proxy?.['weighted_clusters'] === undefined ? { cluster: 'upstream' } : {}),
    access_log: [fileLog('access.log', format)],
    ...options.proxy,
  };
  const filter = { name: 'envoy.filters.network.tcp_proxy', typed_config: config };
  return {
    listeners: [
      { name: 'tcp', address: socketAddress(0), filter_chains: [{ filters: [filter] }], ...options.listener },
    ],
    clusters: [cluster('upstream', ports, options.cluster), ...(options.clusters ?? [])],
  };
}

export function fileLog(file: string, format: string): Json {
  return {
    name: 'envoy.access_loggers.file',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
      path: `$FOLDER/${file}`,
      log_format: { text_format_source: { inline_string: format.endsWith('\n') ? format : `${format}\n` } },
    },
  };
}
