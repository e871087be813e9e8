/**
 * The socket interface on `node:net`: for platforms without the other one, and for comparison with it.
 *
 * Differences that a user can see: no kernel receive times in the log, no hand-over of accepted connections between workers
 * (`exact_balance` has no effect), `tcp_backlog_size` and `SO_REUSEPORT` as Node passes them on, accepts in one event as many as
 * libuv takes. libuv cannot stop accepting, so while a listening socket is paused its connections wait here as they would in the
 * kernel's queue, as many as the backlog; what comes then is closed, where the kernel would let the client try again.
 */
import { chmodSync } from 'node:fs';
import { connect as netConnect, createServer } from 'node:net';
import type { ListenOptions as NetListenOptions, Server, Socket as NetSocket } from 'node:net';
import type {
  AcceptedSocket,
  Address,
  ConnectOptions,
  ListenOptions,
  ListenSocket,
  Socket,
  SocketEvents,
  SocketInterface,
} from '../api/socket.ts';
import { InvariantError } from '../base/invariant.ts';
import type { TurnDispatcher } from '../event/turn-dispatcher.ts';
import { addressOf } from './portable-address.ts';
import { PortableSocket } from './portable-socket.ts';

/** The kernel's own bound of a backlog (`net.core.somaxconn`). */
const MOST_WAITING = 4096;

export class PortableSockets implements SocketInterface {
  readonly name = 'portable';
  readonly #dispatcher: TurnDispatcher;

  constructor(dispatcher: TurnDispatcher) {
    this.#dispatcher = dispatcher;
  }

  connect(options: ConnectOptions, events: (socket: Socket) => SocketEvents): Socket {
    const { to, from } = options;
    const socket =
      to.kind === 'pipe'
        ? netConnect({ path: to.path.replace(/^@/, '\0'), allowHalfOpen: true })
        : netConnect({
            host: to.ip,
            port: to.port,
            allowHalfOpen: true,
            noDelay: true,
            ...(from?.kind === 'ip' ? { localAddress: from.ip, localPort: from.port } : {}),
          });
    socket.pause();
    return new PortableSocket(this.#dispatcher, socket, true, to, events);
  }

  listen(options: ListenOptions, onAccept: (accepted: AcceptedSocket) => void): ListenSocket {
    return new PortableListenSocket(this.#dispatcher, options, onAccept);
  }

  adopt(accepted: AcceptedSocket, events: (socket: Socket) => SocketEvents): Socket {
    if (!(accepted instanceof AcceptedStream))
      throw new InvariantError('an accepted socket of another interface');
    return new PortableSocket(this.#dispatcher, accepted.socket, false, null, events);
  }

  received(): AcceptedSocket {
    throw new InvariantError('the portable interface hands over no descriptors');
  }
}

class PortableListenSocket implements ListenSocket {
  readonly #server: Server;
  readonly #asked: Address;
  /** Resolves when the port is bound; rejects with the reason why not. */
  readonly ready: Promise<void>;
  #accepting = true;
  /** Accepted while paused, at most `#mostWaiting`. */
  readonly #waiting: AcceptedSocket[] = [];
  readonly #mostWaiting: number;
  readonly #onAccept: (accepted: AcceptedSocket) => void;

  constructor(
    dispatcher: TurnDispatcher,
    options: ListenOptions,
    onAccept: (accepted: AcceptedSocket) => void,
  ) {
    this.#asked = options.address;
    this.#onAccept = onAccept;
    this.#mostWaiting = Math.min(options.backlog, MOST_WAITING);
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
      dispatcher.run(() => this.#take(new AcceptedStream(socket, dispatcher.clock.now())));
    });
    this.ready = new Promise((resolve, reject) => {
      if (options.transparent === true) {
        reject(new Error('transparent is not possible on the portable socket interface'));
        return;
      }
      this.#server.once('error', reject);
      this.#server.listen(netOptions(options), () => {
        this.#server.off('error', reject);
        this.#server.on('error', () => undefined);
        const { address, mode } = options;
        if (mode !== undefined && address.kind === 'pipe' && !address.path.startsWith('@'))
          chmodSync(address.path, mode);
        resolve();
      });
    });
  }

  get address(): Address {
    const bound = this.#server.address();
    if (bound === null || typeof bound === 'string') return this.#asked;
    return addressOf(bound.address, bound.port, bound.family);
  }

  get fd(): number {
    const { _handle: handle } = this.#server as Server & {
      readonly _handle?: { readonly fd?: number } | null;
    };
    return handle?.fd ?? -1;
  }

  setAcceptInterest(on: boolean): void {
    this.#accepting = on;
    while (this.#accepting) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#onAccept(next);
    }
  }

  close(): void {
    this.#server.close();
    for (const accepted of this.#waiting.splice(0)) accepted.discard();
  }

  #take(accepted: AcceptedSocket): void {
    if (this.#accepting) this.#onAccept(accepted);
    else if (this.#waiting.length < this.#mostWaiting) this.#waiting.push(accepted);
    else accepted.discard();
  }
}

class AcceptedStream implements AcceptedSocket {
  readonly fd = -1;
  readonly socket: NetSocket;
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  readonly acceptedAt: number;

  constructor(socket: NetSocket, acceptedAt: number) {
    this.socket = socket;
    this.localAddress = addressOf(socket.localAddress, socket.localPort, socket.localFamily);
    this.remoteAddress = addressOf(socket.remoteAddress, socket.remotePort, socket.remoteFamily);
    this.acceptedAt = acceptedAt;
  }

  discard(): void {
    this.socket.destroy();
  }
}

function netOptions(options: ListenOptions): NetListenOptions & { fd?: number } {
  const { address, backlog, fd } = options;
  if (fd !== undefined) return { fd, backlog };
  if (address.kind === 'pipe') return { path: address.path.replace(/^@/, '\0'), backlog };
  return {
    host: address.ip,
    port: address.port,
    backlog,
    reusePort: options.reusePort,
    ipv6Only: address.family === 6,
  };
}
