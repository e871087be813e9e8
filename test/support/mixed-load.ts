/**
 * Clients of every fate for the test of the ledger: each request bears an id of its own, so that the log can be held against what was
 * sent. Raw sockets and whole pipelines in one write, so that 100,000 requests take seconds.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { RawExchange } from './lab-server.ts';
import { get, pause, post, RawClient } from './raw-client.ts';

const HELLO = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello world\n';
const STATUS_LINE = 'HTTP/1.1 ';
const PIPELINE = 16;

/** Requests of one kind for one id; `%` in what the log must begin with behind the id stands for anything. */
type Request = (id: string) => string;

const CHEAP: readonly Request[] = [
  (id) => get('/ok', [`x-id: ${id}`]),
  (id) => get('/direct', [`x-id: ${id}`]),
  (id) => get('/none', [`x-id: ${id}`]),
  (id) => post('/ok', 'x'.repeat(100), [`x-id: ${id}`]),
  (id) => `HEAD /demo/ HTTP/1.1\r\nhost: test\r\nx-id: ${id}\r\n\r\n`,
  (id) =>
    `POST /demo/echo HTTP/1.1\r\nhost: test\r\nx-id: ${id}\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
];
const COSTLY: readonly Request[] = [
  (id) => get('/retried', [`x-id: ${id}`]),
  (id) => get('/closed', [`x-id: ${id}`]),
  (id) => get('/silent', [`x-id: ${id}`]),
  (id) => get('/slow', [`x-id: ${id}`]),
];

/** What the raw upstream of the load does. `/held` asks for an end by the client: `reached` is told. */
export class LoadUpstream {
  readonly reached = new Map<string, () => void>();
  readonly #failed = new Set<string>();

  answer({ socket, head }: RawExchange): void {
    const path = head.slice(head.indexOf(' ') + 1, head.indexOf(' HTTP'));
    const id = /^x-id: (.*)$/m.exec(head)?.[1]?.trim() ?? '';
    switch (path) {
      case '/retried':
        if (this.#failed.delete(id)) socket.write(HELLO);
        else {
          this.#failed.add(id);
          socket.write('HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n');
        }
        return;
      case '/closed':
        socket.destroy();
        return;
      case '/silent':
        return;
      case '/slow':
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nHello\r\n');
        setTimeout(() => socket.write('6\r\n world\r\n0\r\n\r\n'), 3);
        return;
      case '/held':
        this.reached.get(id)?.();
        return;
      default:
        socket.write(HELLO);
    }
  }
}

export class MixedLoad {
  /** Ids of the requests that were sent. */
  readonly sent: string[] = [];
  /** Requests that are none: their lines have no id. */
  nameless = 0;
  readonly #port: number;
  readonly #upstream: LoadUpstream;

  constructor(port: number, upstream: LoadUpstream) {
    this.#port = port;
    this.#upstream = upstream;
  }

  /** `requests` in pipelines over `clients` connections. */
  async pipelines(kind: 'cheap' | 'costly', clients: number, requests: number): Promise<void> {
    const kinds = kind === 'cheap' ? CHEAP : COSTLY;
    const share = Math.ceil(requests / clients / PIPELINE);
    await Promise.all(Array.from({ length: clients }, () => this.#pipeline(kinds, share)));
  }

  async #pipeline(kinds: readonly Request[], batches: number): Promise<void> {
    const socket = connect(this.#port, '127.0.0.1');
    await once(socket, 'connect');
    socket.setEncoding('latin1');
    const done = Promise.withResolvers<void>();
    let left = 0;
    let sentBatches = 0;
    let rest = '';
    const next = (): void => {
      if (sentBatches === batches) {
        socket.destroy();
        done.resolve();
        return;
      }
      sentBatches += 1;
      left = PIPELINE;
      let text = '';
      for (let count = 0; count < PIPELINE; count += 1) text += this.#take(kinds);
      socket.write(text);
    };
    socket.on('data', (text: string) => {
      const all = rest + text;
      left -= all.split(STATUS_LINE).length - 1;
      rest = all.slice(-(STATUS_LINE.length - 1));
      if (left === 0) next();
    });
    socket.on('close', () => {
      if (sentBatches !== batches || left > 0)
        done.reject(new Error(`closed with ${left} responses missing`));
    });
    next();
    await done.promise;
  }

  #take(kinds: readonly Request[]): string {
    const id = this.#newId();
    const make = kinds[this.sent.length % kinds.length];
    assert.ok(make !== undefined);
    return make(id);
  }

  #newId(): string {
    const id = `r${this.sent.length}`;
    this.sent.push(id);
    return id;
  }

  /** The client goes away when the upstream has its request, or when the response has begun. */
  async abort(how: 'waiting' | 'sending' | 'receiving'): Promise<void> {
    const id = this.#newId();
    const client = await RawClient.connect(this.#port);
    if (how === 'receiving') {
      client.write(
        get('/demo/slow-body', [`x-id: ${id}`]).replace('/demo/slow-body', '/demo/split?delay=2000'),
      );
      await client.until(/\r\n\r\n/);
    } else if (how === 'waiting') {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#upstream.reached.set(id, resolve);
      client.write(get('/held', [`x-id: ${id}`]));
      await promise;
    } else {
      // The demo service answers with its head before the body is complete: so it has come through.
      client.write(
        `POST /demo/echo HTTP/1.1\r\nhost: test\r\nx-id: ${id}\r\ncontent-length: 100\r\n\r\nhalf`,
      );
      await client.until(/half/);
    }
    client.reset();
  }

  async upgrade(): Promise<void> {
    const id = this.#newId();
    const client = await RawClient.connect(this.#port);
    const headers = ['connection: Upgrade', 'upgrade: websocket', 'sec-websocket-version: 13'];
    client.write(get('/demo/ws', [`x-id: ${id}`, ...headers, 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==']));
    await client.until(/^HTTP\/1\.1 101/);
    client.end();
    client.destroy();
  }

  async slowBody(): Promise<void> {
    const client = await RawClient.connect(this.#port);
    const request = post('/ok', 'x'.repeat(50), [`x-id: ${this.#newId()}`]);
    client.write(request.slice(0, 30));
    await pause(2);
    client.write(request.slice(30, -20));
    await pause(2);
    await client.ask(request.slice(-20));
    client.destroy();
  }

  async nonsense(): Promise<void> {
    this.nameless += 1;
    const client = await RawClient.connect(this.#port);
    await client.ask('GET / HTTP/1.1\r\nno header\r\n\r\n');
    client.destroy();
  }
}
