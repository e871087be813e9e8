/**
 * The proxy as its users have it: a process started by `bin/nodeproxy.js` from the sources, told what to do by signals and the
 * admin, judged by what it prints, answers and exits with. Ports are 0; nothing sleeps: waits are for lines of its log.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { END_WITH_PARENT } from '../support/proxy.ts';

const BIN = fileURLToPath(new URL('../../bin/nodeproxy.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export class ProxyProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'nodeproxy-test-'));
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  out = '';
  err = '';
  #watchers: (() => void)[] = [];

  /** `@/` in arguments and files stands for the process's own folder. */
  constructor(args: readonly string[], files: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(files))
      writeFileSync(join(this.folder, name), text.replaceAll('@/', `${this.folder}/`));
    const env = { ...process.env, NODEPROXY_SOURCE: '1', NO_COLOR: '1' };
    const own = args.map((arg) => arg.replaceAll('@/', `${this.folder}/`));
    this.child = spawn(process.execPath, [...END_WITH_PARENT, BIN, ...own], {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#take('out', text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#take('err', text));
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        const { out, err } = this;
        resolve({ code, signal, out, err });
        for (const watcher of this.#watchers) watcher();
      });
    });
  }

  /** Resolves when the log says so; rejects if the process ends first. */
  async says(pattern: RegExp): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (pattern.test(this.err) || pattern.test(this.out)) resolve();
        else if (this.child.exitCode !== null)
          reject(new Error(`ended without saying ${pattern}:\n${this.err}`));
      };
      this.#watchers.push(look);
      look();
    });
  }

  live(): Promise<void> {
    return this.says(/all workers accept/);
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  admin(path: string, method = 'GET'): Promise<Answer> {
    return fetchText(`http://${this.read('admin.txt')}${path}`, method);
  }

  /** The port that a listener was given. */
  async port(name: string): Promise<number> {
    const { body } = await this.admin('/listeners');
    return Number(new RegExp(`^${name}::.*:(\\d+)$`, 'm').exec(body)?.[1] ?? assert.fail(body));
  }

  /** Ends it if it is still there, and takes its files away. */
  async dispose(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  #take(stream: 'out' | 'err', text: string): void {
    this[stream] += text;
    for (const watcher of this.#watchers) watcher();
  }
}

/** A connection of its own for each request. */
export function fetchText(
  url: string,
  method = 'GET',
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject).end();
  });
}

/** Resolves when the response's head has arrived. */
export function headOf(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, () => resolve()).on('error', reject);
  });
}

export interface HttpConfigOptions {
  readonly upstreamPort: number;
  readonly script?: boolean;
  readonly listener?: string;
  readonly port?: number;
}

/** One HTTP listener before one upstream, its log in `access.log`; `script`: with the filter `script.js` in front. */
export function httpConfig({
  upstreamPort,
  script = false,
  listener = '',
  port = 0,
}: HttpConfigOptions): string {
  const filter = script
    ? `- { name: script, typed_config: { "@type": type.googleapis.com/nodeproxy.extensions.filters.http.javascript.v1.JavaScript, module: "@/script.js" } }`
    : '';
  return `
admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }
static_resources:
  listeners:
    - name: http
      address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
      ${listener}
      filter_chains:
        - filters:
            - name: http
              typed_config:
                '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: test
                access_log:
                  - name: file
                    typed_config:
                      '@type': type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                      path: "@/access.log"
                      log_format: { text_format_source: { inline_string: "%REQ(:PATH)% %RESPONSE_CODE% %THREAD_ID%\\n" } }
                route_config:
                  virtual_hosts:
                    - { name: all, domains: ['*'], routes: [{ match: { prefix: / }, route: { cluster: upstream } }] }
                http_filters:
                  ${filter}
                  - { name: router, typed_config: { '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }
  clusters:
    - name: upstream
      load_assignment:
        cluster_name: upstream
        endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${upstreamPort} } } } }] }]
`;
}
