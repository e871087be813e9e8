/**
 * The admin server: node:http in the main thread, bound to the bootstrap's `admin.address` and nothing else. It stands beside
 * the data path: no byte of proxied traffic comes here, and a slow reader of a page holds up nobody.
 *
 * Owns its listening socket (a pipe's file too). Bounded: connections, header bytes, body bytes, time of a request.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import type { AdminContext } from '../api/admin.ts';
import type { StringMatcher } from '../api/envoy.ts';
import type { Address } from '../api/socket.ts';
import { afterMs } from '../base/clock.ts';
import { AdminRouter } from './admin-router.ts';
import type { AdminReply } from './endpoint.ts';
import { textReply } from './endpoint.ts';

const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_BODY_BYTES = 64 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 5000;
/** A connection on which nothing moves for so long is closed, also one whose reader has stopped in the middle of a page. */
const IDLE_TIMEOUT_MS = 60_000;

export interface AdminServerOptions {
  readonly address: Address;
  readonly context: AdminContext;
  /** `admin.allow_paths`. */
  readonly allowPaths?: readonly StringMatcher[];
  /** Permissions of a pipe, as in the bootstrap's `pipe.mode`. */
  readonly mode?: number;
  /** An answer has been sent: what it took can be given back. */
  readonly onAnswered?: () => void;
  /** Told of an endpoint that threw; the caller got 500. */
  readonly onError?: (error: unknown, target: string) => void;
}

export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #router: AdminRouter;
  readonly #server: Server;
  #address: Address | null = null;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#router = new AdminRouter(options.context, options.allowPaths);
    this.#server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        requireHostHeader: false,
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.setTimeout(IDLE_TIMEOUT_MS);
  }

  /** Bound address, with the real port where 0 was configured; null before `listen`. */
  get address(): Address | null {
    return this.#address;
  }

  /** Rejects with the system's error if the address is taken. A pipe that nobody serves any more is replaced. */
  async listen(): Promise<Address> {
    const { address, mode } = this.#options;
    if (address.kind === 'ip') {
      await this.#bind({ host: address.ip, port: address.port });
      const bound = this.#server.address();
      const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
      this.#address = { ...address, port };
      return this.#address;
    }
    // A name that begins with @ is an abstract one: no file.
    const abstract = address.path.startsWith('@');
    const path = abstract ? `\0${address.path.slice(1)}` : address.path;
    if (!abstract) await removeStalePipe(path);
    await this.#bind({ path });
    if (!abstract && mode !== undefined) await chmod(path, mode);
    this.#address = address;
    return address;
  }

  /** Stops listening; answers under way may end within `graceMs`, then their connections are closed. */
  async close(graceMs = 0): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeIdleConnections();
    if (graceMs === 0) this.#server.closeAllConnections();
    const timer = afterMs(graceMs, () => this.#server.closeAllConnections());
    await closed;
    clearTimeout(timer);
  }

  async #bind(to: { host: string; port: number } | { path: string }): Promise<void> {
    this.#server.listen(to);
    // `once` rejects on 'error'.
    await once(this.#server, 'listening');
    this.#server.on('error', (error) => this.#options.onError?.(error, 'listening socket'));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = request.url ?? '/';
    try {
      const form = await readForm(request);
      const reply =
        form === null
          ? textReply('Payload Too Large\n', 413)
          : await this.#router.route({
              method: request.method ?? 'GET',
              target,
              form,
              crossSite: request.headers['sec-fetch-site'] === 'cross-site',
            });
      await send(request, response, reply, form === null);
    } catch (error) {
      this.#options.onError?.(error, target);
      if (response.headersSent) response.destroy();
      else await send(request, response, textReply('Internal Server Error\n', 500), true).catch(() => {});
    }
    this.#options.onAnswered?.();
  }
}

/** Body of a form; '' for any other body, which is read and dropped; null: larger than the limit. */
async function readForm(request: IncomingMessage): Promise<string | null> {
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > MAX_BODY_BYTES) {
      request.resume();
      return null;
    }
    if (isForm) pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  reply: AdminReply,
  close: boolean,
): Promise<void> {
  const { body } = reply;
  response.statusCode = reply.status;
  response.setHeader('content-type', reply.contentType);
  response.setHeader('cache-control', 'no-cache, max-age=0');
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('server', 'nodeproxy');
  if (close) response.setHeader('connection', 'close');
  if (typeof body === 'string') {
    response.setHeader('content-length', Buffer.byteLength(body));
    response.end(request.method === 'HEAD' ? undefined : body);
  } else if (request.method === 'HEAD') {
    response.end();
  } else {
    await sendPieces(response, body);
  }
  const { afterwards } = reply;
  if (afterwards !== undefined) {
    if (response.writableFinished) afterwards();
    else response.once('close', afterwards);
  }
}

/** Waits for a slow reader between pieces; stops when it is gone. */
async function sendPieces(response: ServerResponse, pieces: AsyncIterable<string>): Promise<void> {
  for await (const piece of pieces) {
    if (response.destroyed) return;
    if (!response.write(piece)) await drained(response);
  }
  response.end();
}

/** Resolves when the reader has taken what was written, or has gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

/** A socket file left by a process that is gone refuses connections; one that answers is another proxy's. */
async function removeStalePipe(path: string): Promise<void> {
  const probe = connect(path);
  try {
    await once(probe, 'connect');
  } catch (error) {
    // Connecting to a plain file is refused, too: that one is somebody's data.
    const refused = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
    if (refused && (await lstat(path)).isSocket()) await unlink(path);
  } finally {
    probe.destroy();
  }
}
