/**
 * The socket interface: what a connection needs from the operating system. Two implementations with one contract,
 * `network/syscall-socket.ts` (our own system calls) and `network/portable-socket.ts` (node:net, node:tls).
 *
 * Readiness based: the socket says *when*, the connection decides *whether and how much*.
 */
import type { Block, Bytes } from './bytes.ts';

export type Address =
  | { readonly kind: 'ip'; readonly ip: string; readonly port: number; readonly family: 4 | 6 }
  | { readonly kind: 'pipe'; readonly path: string };

/**
 * What one read found. An object of the socket's own, overwritten by its next read.
 * `again`: nothing there now, `onReadable` will be called. `end`: the peer sent FIN. `error`: see `errorCode`.
 */
export interface ReadResult {
  status: 'data' | 'again' | 'end' | 'error';
  block: Block;
  start: number;
  end: number;
  /** True if the read filled the space that was offered: more may be waiting. */
  full: boolean;
  /** Fractional ms, monotonic, when the call began; of a read that was made ahead: when its turn came. */
  at: number;
  /** ms inside the system call; -1 where it is not known (portable). */
  took: number;
  /** ms that the newest of these bytes had waited until `at`, in the kernel and read ahead; -1 where it is not known. */
  waited: number;
  /** errno name, `ECONNRESET`; '' unless `error`. */
  errorCode: string;
}

export interface WriteResult {
  /** Bytes taken by the kernel. */
  written: number;
  /** The kernel took less than offered: `onWritable` will be called. */
  blocked: boolean;
  at: number;
  took: number;
  errorCode: string;
}

/** Called by the dispatcher. None is called after `close()`. */
export interface SocketEvents {
  /**
   * `onReadable` will follow in this turn, behind the reads of other sockets: a read may be made now, and must call nobody. Not every
   * `onReadable` has it in front.
   */
  onReadAhead(): void;
  onReadable(): void;
  onWritable(): void;
  /**
   * The peer has ended or reset the connection while reads are off, so that no read will tell. `errorCode` is '' for an end. Bytes
   * that lie unread stay readable. May come more than once.
   */
  onHangUp(errorCode: string): void;
  /** Only for sockets made by `connect`: exactly once. `errorCode` is '' when connected. `local`: this side gave up by itself. */
  onConnect(errorCode: string, local?: boolean): void;
}

export interface Socket {
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  /** Whether a TLS layer stands between this socket and the wire. */
  readonly secure: boolean;
  /** Whether the platform can say `took` and `waited`. */
  readonly timed: boolean;
  /** Whether a read now may find something: false after a read that emptied the kernel's buffer. */
  readonly moreToRead: boolean;
  /** One read into the worker's turn slab, at most `limit` bytes. */
  read(limit: number): ReadResult;
  /** Offers all views in one call (gathered). The views stay the caller's; nothing is kept. */
  write(views: readonly Bytes[], count: number): WriteResult;
  /** When false, `onReadable` is not called and the kernel's buffer fills: the peer feels it. */
  setReadInterest(on: boolean): void;
  /** FIN to the peer; reading goes on. */
  shutdownWrite(): void;
  /** `reset`: RST instead of FIN. Idempotent. */
  close(reset: boolean): void;
  setNoDelay(on: boolean): void;
  setKeepAlive(probes: number, idleSeconds: number, intervalSeconds: number): void;
  /** Length of what lies unread in the kernel without consuming it: 0 = none, -1 = peer has closed or reset. */
  peek(): number;
}

/** A listening socket. */
export interface ListenSocket {
  readonly address: Address;
  /** Descriptor that other threads can share (`ListenOptions.fd`); -1 where it is not known. */
  readonly fd: number;
  /** Settles when the address is bound; rejects with the reason why not (the system-call interface throws at once instead). */
  readonly ready: Promise<void>;
  /** Stops accepting; connections in the kernel's queue are refused. */
  close(): void;
  /** Pauses accepting (connection limits); the kernel's queue fills meanwhile. */
  setAcceptInterest(on: boolean): void;
}

export interface ConnectOptions {
  readonly to: Address;
  readonly from?: Address;
}

export interface ListenOptions {
  readonly address: Address;
  readonly backlog: number;
  /** One socket per worker (`SO_REUSEPORT`), or one shared by all: then `fd` is handed to each worker. */
  readonly reusePort: boolean;
  readonly fd?: number;
  /** Permissions of a unix socket's file; absent = as the umask makes them. */
  readonly mode?: number;
  /**
   * `IP_TRANSPARENT`: takes connections that the kernel's TPROXY brings although their destination is no address of this machine,
   * which stays their local address. Needs `CAP_NET_ADMIN`; where it cannot be had, listening fails as for a taken port. Absent = false.
   */
  readonly transparent?: boolean;
  /** Most connections taken in one readiness event; absent = the interface's own bound. */
  readonly acceptsPerEvent?: number;
}

/** What a worker or the main thread gets its sockets from. */
export interface SocketInterface {
  readonly name: 'syscall' | 'portable';
  /** `events` may be called from the next turn on. */
  connect(options: ConnectOptions, events: (socket: Socket) => SocketEvents): Socket;
  /** `onAccept` gets a socket with no events bound yet: call `adopt` in the same callback. */
  listen(options: ListenOptions, onAccept: (accepted: AcceptedSocket) => void): ListenSocket;
  /** A descriptor that another worker accepted and handed over. Throws on the portable interface, which has none. */
  received(fd: number, acceptedAt: number): AcceptedSocket;
  /**
   * Takes an accepted socket into this thread's dispatcher. Throws a `SocketError` when there is no room for another one: it stays
   * the caller's to discard.
   */
  adopt(accepted: AcceptedSocket, events: (socket: Socket) => SocketEvents): Socket;
}

/** A connection accepted by the kernel that no thread owns yet. */
export interface AcceptedSocket {
  /** File descriptor: a plain integer that another worker of the process can adopt; -1 on the portable interface. */
  readonly fd: number;
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  /** Fractional ms, monotonic. */
  readonly acceptedAt: number;
  /** Closes without adopting. */
  discard(): void;
}
