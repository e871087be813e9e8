/**
 * The service of the talk's samples: behind the proxy in `nodeproxy run` without a file, in labs, benchmarks and tests. It is no
 * part of the data path and shares no code with it, so it can judge it.
 *
 *   /                    12 bytes                      /status?code=503     that status
 *   /large?length=N      N + 1 bytes                   /close               closes without an answer
 *   /split?delay=ms      head, later 1001 bytes, chunked   /echo             the request's body; ?hash=1: its hash instead
 *   /slow?delay=ms       12 bytes, later               /upload?rate=B       reads B bytes per second, tells length and hash
 *   upgrade: websocket   echoes every message
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { delay } from '../base/clock.ts';
import { echoWebSocket } from './demo-websocket.ts';

export interface DemoServiceOptions {
  readonly host?: string;
  /** 0 = any. */
  readonly port?: number;
  /** A unix socket instead of host and port. */
  readonly path?: string;
  /** Idle connections are closed after this; 0 = never. Node's own default is 5 s, the classic cause of a 503 UC. */
  readonly keepAliveTimeoutMs?: number;
}

export interface DemoService {
  readonly name: string;
  readonly host: string;
  /** 0 on a unix socket. */
  readonly port: number;
  /** Requests begun, and connections accepted, since the start. */
  readonly requests: number;
  readonly connections: number;
  /** Closes the listener and every connection. */
  stop(): Promise<void>;
}

const HELLO = 'Hello world\n';
const SPLIT_BYTES = 1001;
/** Longest answer and longest pause that a request can ask for. */
const MAX_LENGTH = 1024 * 1024 * 1024;
const MAX_DELAY_MS = 600_000;
const PATTERN = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_'.repeat(1024));

type Handler = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => Promise<void>;

const HANDLERS: Readonly<Record<string, Handler>> = {
  '/': hello,
  '/large': large,
  '/split': split,
  '/slow': slow,
  '/status': status,
  '/close': close,
  '/echo': echo,
  '/upload': upload,
};

export function startDemoService(name: string, options: DemoServiceOptions = {}): Promise<DemoService> {
  // Slow uploads are what it is asked for: no timeout of its own but the keep-alive one.
  const server = createServer({
    keepAliveTimeout: options.keepAliveTimeoutMs ?? 0,
    requestTimeout: 0,
    headersTimeout: 0,
  });
  const service = new HttpDemoService(name, options.host ?? '127.0.0.1', server);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const where =
      options.path === undefined ? { host: service.host, port: options.port ?? 0 } : { path: options.path };
    server.listen(where, () => {
      server.off('error', reject);
      resolve(service);
    });
  });
}

class HttpDemoService implements DemoService {
  readonly name: string;
  readonly host: string;
  requests = 0;
  connections = 0;
  readonly #server: Server;
  /** Every open one: those that were upgraded are not the HTTP server's any more. */
  readonly #sockets = new Set<Socket>();

  constructor(name: string, host: string, server: Server) {
    this.name = name;
    this.host = host;
    this.#server = server;
    server.on('connection', (socket: Socket) => this.#onConnection(socket));
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.#onRequest(request, response);
    });
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      this.requests += 1;
      echoWebSocket(request, socket, head);
    });
  }

  get port(): number {
    const address = this.#server.address();
    return isInternet(address) ? address.port : 0;
  }

  stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #onConnection(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://demo');
    const handler = HANDLERS[pathname] ?? notFound;
    response.setHeader('x-demo-service', this.name);
    try {
      await handler(request, response, searchParams);
    } catch {
      // The other side has gone; there is nobody left to tell.
      response.destroy();
    }
  }
}

async function hello(request: IncomingMessage, response: ServerResponse): Promise<void> {
  await discardBody(request);
  answer(response, 200, HELLO);
}

async function notFound(request: IncomingMessage, response: ServerResponse): Promise<void> {
  await discardBody(request);
  answer(response, 404, 'no such path\n');
}

async function large(
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
): Promise<void> {
  const length = numberOf(query, 'length', 0, MAX_LENGTH);
  await discardBody(request);
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': length + 1 });
  if (request.method === 'HEAD') response.end();
  else await pipeline(Readable.from(patternOf(length), { objectMode: false }), response);
}

async function split(
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
): Promise<void> {
  await discardBody(request);
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flushHeaders();
  await delay(numberOf(query, 'delay', 0, MAX_DELAY_MS));
  response.end(PATTERN.subarray(0, SPLIT_BYTES));
}

async function slow(
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
): Promise<void> {
  await discardBody(request);
  await delay(numberOf(query, 'delay', 0, MAX_DELAY_MS));
  answer(response, 200, HELLO);
}

async function status(
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
): Promise<void> {
  await discardBody(request);
  const code = numberOf(query, 'code', 200, 599);
  answer(response, Math.max(200, code), code === 204 || code === 304 ? '' : `${code}\n`);
}

async function close(request: IncomingMessage): Promise<void> {
  await discardBody(request);
  request.socket.destroy();
}

async function echo(
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
): Promise<void> {
  if (query.has('hash')) {
    await upload(request, response, query);
    return;
  }
  const headers: Record<string, string> = {
    'content-type': request.headers['content-type'] ?? 'application/octet-stream',
  };
  const length = request.headers['content-length'];
  if (length !== undefined) headers['content-length'] = length;
  response.writeHead(200, headers);
  await pipeline(request, response);
}

/** Reads no faster than asked: the pause behind each piece lets the kernel's buffers fill and the sender feel it. */
async function upload(
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
): Promise<void> {
  const bytesPerSecond = numberOf(query, 'rate', 0, MAX_LENGTH);
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of request) {
    const chunk = piece as Buffer;
    hash.update(chunk);
    bytes += chunk.length;
    if (bytesPerSecond > 0) await delay(Math.min(MAX_DELAY_MS, (chunk.length * 1000) / bytesPerSecond));
  }
  response.setHeader('content-type', 'application/json');
  answer(response, 200, `${JSON.stringify({ bytes, sha256: hash.digest('hex') })}\n`);
}

function answer(response: ServerResponse, code: number, body: string): void {
  if (!response.hasHeader('content-type')) response.setHeader('content-type', 'text/plain');
  response.writeHead(code, body === '' ? {} : { 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** `length` bytes of pattern and a newline, in pieces, so that memory stays small whatever was asked for. */
function* patternOf(length: number): Generator<Buffer> {
  for (let left = length; left > 0; left -= PATTERN.length) {
    yield PATTERN.subarray(0, Math.min(left, PATTERN.length));
  }
  yield Buffer.from('\n');
}

async function discardBody(request: IncomingMessage): Promise<void> {
  for await (const _ of request);
}

/** A whole number of the query within 0 and `max`; what is none counts as `fallback`. */
function numberOf(query: URLSearchParams, name: string, fallback: number, max: number): number {
  const value = Number(query.get(name) ?? fallback);
  return Number.isInteger(value) && value >= 0 ? Math.min(value, max) : fallback;
}

function isInternet(address: AddressInfo | string | null): address is AddressInfo {
  return address !== null && typeof address === 'object';
}
