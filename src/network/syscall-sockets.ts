/**
 * The socket interface on our own system calls: listen, accept, connect, adopt.
 *
 * An accepted connection is a plain integer until a worker adopts it, so it can be handed to another worker of the process
 * (`exact_balance`) without passing through the kernel again.
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
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
import { addressText } from '../base/address-text.ts';
import type { EventHandler } from '../event/epoll-source.ts';
import {
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_TRANSPARENT,
  IPV6_V6ONLY,
  IP_TRANSPARENT,
  SOL_SOCKET,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_TIMESTAMPNS,
  TCP_NODELAY,
} from '../os/constants.ts';
import { EINPROGRESS, EMFILE, ENFILE, ENOBUFS, ENOMEM, errnoName } from '../os/errno.ts';
import type { SocketCalls } from '../os/socket-calls.ts';
import { AbsentSocket, UNKNOWN_ADDRESS } from './absent-socket.ts';
import { SyscallSocket } from './syscall-socket.ts';
import type { SyscallThread } from './syscall-thread.ts';

/** Connections taken in one readiness event: the kernel's queue may be long, the connections at hand want service too. */
const ACCEPTS_PER_EVENT = 64;
/** Pause of accepting when the process has no descriptor left. */
const ACCEPT_REST_MS = 100;

/** An error of the operating system with its name, as Node's own have it. */
export class SocketError extends Error {
  readonly code: string;

  constructor(call: string, code: string, detail: string) {
    super(`${call} ${detail}: ${code}`);
    this.code = code;
  }
}

export class SyscallSockets implements SocketInterface {
  readonly name = 'syscall';
  readonly #thread: SyscallThread;

  constructor(thread: SyscallThread) {
    this.#thread = thread;
  }

  connect(options: ConnectOptions, events: (socket: Socket) => SocketEvents): Socket {
    const { sockets, dispatcher } = this.#thread;
    const fd = sockets.create(options.to);
    if (fd < 0) return this.#failed(options.to, errnoName(-fd), events);
    sockets.setOption(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    if (options.to.kind === 'ip') sockets.setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    let local = true;
    let code = options.from === undefined ? 0 : -Math.min(0, sockets.bind(fd, options.from));
    if (code === 0) {
      const rc = sockets.connect(fd, options.to);
      code = rc === -EINPROGRESS || rc === 0 ? 0 : -rc;
      local = code === 0;
    }
    let bound: SocketEvents | null = null;
    const socket = new SyscallSocket(
      this.#thread,
      fd,
      UNKNOWN_ADDRESS,
      options.to,
      code === 0,
      (self) => (bound = events(self)),
    );
    if (code === 0) code = socket.watchError;
    // A refusal known at once is still told from a later callback, as the contract says.
    if (code !== 0) dispatcher.post(() => bound?.onConnect(errnoName(code), local));
    return socket;
  }

  /** No descriptor to be had: the outcome is an event like any other failed connect. */
  #failed(to: Address, errorCode: string, events: (socket: Socket) => SocketEvents): Socket {
    const socket = new AbsentSocket(to);
    const bound = events(socket);
    this.#thread.dispatcher.post(() => bound.onConnect(errorCode, true));
    return socket;
  }

  listen(options: ListenOptions, onAccept: (accepted: AcceptedSocket) => void): ListenSocket {
    const { sockets } = this.#thread;
    const fd =
      options.fd === undefined ? this.#open(options) : must(sockets.dup(options.fd), 'dup', options.address);
    return new SyscallListenSocket(this.#thread, fd, options, onAccept);
  }

  adopt(accepted: AcceptedSocket, events: (socket: Socket) => SocketEvents): Socket {
    const { fd, localAddress, remoteAddress } = accepted;
    const socket = new SyscallSocket(this.#thread, fd, localAddress, remoteAddress, false, events);
    const { watchError } = socket;
    if (watchError === 0) return socket;
    throw new SocketError('epoll_ctl', errnoName(watchError), addressText(remoteAddress));
  }

  /** An accepted descriptor that another worker handed over. */
  received(fd: number, acceptedAt: number): AcceptedSocket {
    const { sockets } = this.#thread;
    return new AcceptedDescriptor(
      sockets,
      fd,
      sockets.localAddress(fd),
      sockets.remoteAddress(fd),
      acceptedAt,
    );
  }

  #open(options: ListenOptions): number {
    const { sockets } = this.#thread;
    const { address } = options;
    const fd = must(sockets.create(address), 'socket', address);
    if (address.kind === 'pipe' && !address.path.startsWith('@')) removeStale(address.path);
    sockets.setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (options.reusePort) sockets.setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (address.kind === 'ip') sockets.setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (address.kind === 'ip' && address.family === 6) sockets.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    // Accepted sockets inherit both options from the listening one: two calls less for each connection.
    sockets.setOption(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    try {
      if (options.transparent === true) this.#setTransparent(fd, address);
      must(sockets.bind(fd, address), 'bind', address);
      if (options.mode !== undefined && address.kind === 'pipe' && !address.path.startsWith('@'))
        chmodSync(address.path, options.mode);
      must(sockets.listen(fd, options.backlog), 'listen', address);
    } catch (error) {
      sockets.close(fd);
      throw error;
    }
    return fd;
  }

  /** @throws with the reason as the operator reads it: a bare EPERM would be looked for at the port. */
  #setTransparent(fd: number, address: Address): void {
    const six = address.kind === 'ip' && address.family === 6;
    const [level, name] = six ? [IPPROTO_IPV6, IPV6_TRANSPARENT] : [IPPROTO_IP, IP_TRANSPARENT];
    const rc = this.#thread.sockets.setOption(fd, level, name, 1);
    if (rc < 0) throw new Error(`transparent needs CAP_NET_ADMIN and an IP address: ${errnoName(-rc)}`);
  }
}

class SyscallListenSocket implements ListenSocket, EventHandler {
  readonly address: Address;
  readonly fd: number;
  readonly ready = Promise.resolve();
  readonly #thread: SyscallThread;
  readonly #onAccept: (accepted: AcceptedSocket) => void;
  readonly #shared: boolean;
  readonly #acceptsPerEvent: number;
  /** Local address of every accepted connection, unless the socket is bound to all addresses. */
  readonly #fixedLocal: Address | null;
  /** Negative: not watched. */
  #token: number;
  /** Watched when nothing stands against it: the owner's wish, and the rest after the process ran out of something. */
  #interest = true;
  #resting = false;
  #closed = false;

  constructor(
    thread: SyscallThread,
    fd: number,
    options: ListenOptions,
    onAccept: (accepted: AcceptedSocket) => void,
  ) {
    this.#thread = thread;
    this.fd = fd;
    this.#onAccept = onAccept;
    this.#shared = !options.reusePort;
    this.#acceptsPerEvent = options.acceptsPerEvent ?? ACCEPTS_PER_EVENT;
    this.address = thread.sockets.localAddress(fd);
    const wildcard =
      this.address.kind === 'ip' && (this.address.ip === '0.0.0.0' || this.address.ip === '::');
    this.#fixedLocal = wildcard ? null : this.address;
    this.#token = thread.source.watchListener(fd, this.#shared, this);
    if (this.#token >= 0) return;
    thread.sockets.close(fd);
    throw new SocketError('epoll_ctl', errnoName(-this.#token), addressText(this.address));
  }

  noteEvents(): void {
    // Level triggered: whoever is ready is asked by `accept` itself.
  }

  readAhead(): void {
    // Connections are accepted one by one.
  }

  handleEvents(): void {
    const { sockets, clock } = this.#thread;
    for (let count = 0; count < this.#acceptsPerEvent && this.#token >= 0; count += 1) {
      const fd = sockets.accept(this.fd);
      if (fd < 0) {
        // Out of descriptors or memory: the queue stays readable, so asking again at once would spin.
        if (fd === -EMFILE || fd === -ENFILE || fd === -ENOBUFS || fd === -ENOMEM) this.#rest();
        return;
      }
      const remote = sockets.peer();
      const local = this.#fixedLocal ?? sockets.localAddress(fd);
      this.#onAccept(new AcceptedDescriptor(sockets, fd, local, remote, clock.now()));
    }
  }

  setAcceptInterest(on: boolean): void {
    this.#interest = on;
    this.#update();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#update();
    this.#thread.sockets.close(this.fd);
  }

  #rest(): void {
    this.#resting = true;
    this.#update();
    const timer = this.#thread.dispatcher.createTimer(() => {
      this.#resting = false;
      this.#update();
    });
    timer.enable(ACCEPT_REST_MS);
  }

  #update(): void {
    const wanted = this.#interest && !this.#resting && !this.#closed;
    if (wanted === this.#token >= 0) return;
    const { source } = this.#thread;
    if (!wanted) {
      source.unwatch(this.fd, this.#token);
      this.#token = -1;
      return;
    }
    this.#token = source.watchListener(this.fd, this.#shared, this);
    if (this.#token < 0) this.#rest();
  }
}

class AcceptedDescriptor implements AcceptedSocket {
  readonly #sockets: SocketCalls;
  readonly fd: number;
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  readonly acceptedAt: number;

  constructor(sockets: SocketCalls, fd: number, local: Address, remote: Address, acceptedAt: number) {
    this.#sockets = sockets;
    this.fd = fd;
    this.localAddress = local;
    this.remoteAddress = remote;
    this.acceptedAt = acceptedAt;
  }

  discard(): void {
    this.#sockets.close(this.fd);
  }
}

function must(result: number, call: string, address: Address): number {
  if (result >= 0) return result;
  throw new SocketError(call, errnoName(-result), addressText(address));
}

/** A socket left behind by an earlier process refuses the bind; a file that is no socket stays and makes the bind fail. */
function removeStale(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) unlinkSync(path);
}
