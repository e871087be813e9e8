/**
 * A client that speaks bytes: it writes what it is told, cut where it is told, and reads responses one after the other off the same
 * connection. Nothing reconnects. Every wait ends after `GUARD_MS` with what had come until then.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** Longer than anything takes on a loaded machine, shorter than the patience of the test runner. */
const GUARD_MS = 20_000;

export interface RawResponse {
  readonly status: number;
  /** Status line and headers without the empty line. */
  readonly head: string;
  readonly body: string;
}

export interface ReadOptions {
  /** The response is one to HEAD: it has no body whatever its head says. */
  readonly head?: boolean;
}

export class RawClient {
  readonly socket: Socket;
  #received = '';
  #wake: (() => void) | null = null;
  #over = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#wake?.();
    });
    const end = (): void => {
      this.#over = true;
      this.#wake?.();
    };
    socket.on('end', end).on('close', end).on('error', end);
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const client = new RawClient(socket);
    await once(socket, 'connect');
    return client;
  }

  /** What came and was not taken by `response`. */
  get received(): string {
    return this.#received;
  }

  get port(): number {
    return this.socket.localPort ?? 0;
  }

  write(bytes: string | Buffer): void {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1');
    else this.socket.write(bytes);
  }

  /** Both in one: the next response to what is written. */
  ask(bytes: string | Buffer, options: ReadOptions = {}): Promise<RawResponse> {
    this.write(bytes);
    return this.response(options);
  }

  async response(options: ReadOptions = {}): Promise<RawResponse> {
    return this.#waitFor('a response', () => this.#takeResponse(options));
  }

  /** Everything up to the close by the other side. */
  async closed(): Promise<string> {
    await this.#waitFor('the close', () => (this.#over ? true : null));
    return this.#received;
  }

  async until(pattern: RegExp): Promise<void> {
    await this.#waitFor(String(pattern), () => (pattern.test(this.#received) ? true : null));
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  async #waitFor<T>(what: string, look: () => T | null): Promise<T> {
    const until = Date.now() + GUARD_MS;
    for (;;) {
      const found = look();
      if (found !== null) return found;
      const left = until - Date.now();
      if (left <= 0 || this.#over)
        assert.fail(
          `${this.#over ? 'closed' : 'timed out'} before ${what}; there was:\n${this.#received.slice(0, 2000)}`,
        );
      const { promise, resolve } = Promise.withResolvers<void>();
      const guard = setTimeout(resolve, left);
      this.#wake = resolve;
      await promise;
      clearTimeout(guard);
      this.#wake = null;
    }
  }

  #takeResponse(options: ReadOptions): RawResponse | null {
    const text = this.#received;
    const headEnd = text.indexOf('\r\n\r\n');
    if (headEnd < 0) return null;
    const head = text.slice(0, headEnd);
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0);
    const start = headEnd + 4;
    const bodyless = options.head === true || status === 204 || status === 304 || status < 200;
    const body = bodyless ? { text: '', end: start } : bodyOf(text, start, head, this.#over);
    if (body === null) return null;
    this.#received = text.slice(body.end);
    return { status, head, body: body.text };
  }
}

function bodyOf(
  text: string,
  start: number,
  head: string,
  closed: boolean,
): { text: string; end: number } | null {
  const length = headerOf(head, 'content-length');
  if (length !== null) {
    const end = start + Number(length);
    return text.length < end ? null : { text: text.slice(start, end), end };
  }
  if (headerOf(head, 'transfer-encoding') === null)
    return closed ? { text: text.slice(start), end: text.length } : null;
  let body = '';
  let at = start;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    at = lineEnd + 2;
    if (size === 0) {
      const end = text.startsWith('\r\n', at) ? at + 2 : text.indexOf('\r\n\r\n', at) + 4;
      return end < at + 2 ? null : { text: body, end };
    }
    if (text.length < at + size + 2) return null;
    body += text.slice(at, at + size);
    at += size + 2;
  }
}

/** Value of the header in a head as text; null: not there. */
export function headerOf(head: string, name: string): string | null {
  return new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim() ?? null;
}

/** GET on a connection that stays. */
export function get(path: string, headers: readonly string[] = []): string {
  return ['GET ' + path + ' HTTP/1.1', 'host: test', ...headers, '', ''].join('\r\n');
}

export function post(path: string, body: string, headers: readonly string[] = []): string {
  return [`POST ${path} HTTP/1.1`, 'host: test', `content-length: ${body.length}`, ...headers, '', body].join(
    '\r\n',
  );
}

/**
 * For bodies of a client's connection: many waits of a few ms, in real time because the proxy is another process. Never shorter: a
 * timer counts from the beginning of the loop's turn, so that one set late in a turn ends early.
 */
export async function pause(ms: number): Promise<void> {
  const until = performance.now() + ms;
  for (let left = ms; left > 0; left = until - performance.now())
    await new Promise((resolve) => {
      setTimeout(resolve, Math.ceil(left));
    });
}
