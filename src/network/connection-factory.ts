/**
 * Makes the connections of a thread: upstream ones by connecting, downstream ones out of accepted sockets.
 */
import type { AcceptedSocket, Address, SocketInterface } from '../api/socket.ts';
import type { ConnectionIds } from '../base/ids.ts';
import { HEAP_BLOCKS } from '../buffer/chunk-queue.ts';
import { HEAP_SLABS, TurnSlab } from '../buffer/turn-slab.ts';
import type { TurnDispatcher } from '../event/turn-dispatcher.ts';
import type { ConnectionThread } from './connection-thread.ts';
import { PortableSockets } from './portable-sockets.ts';
import { StreamConnection } from './stream-connection.ts';
import { SyscallSockets } from './syscall-sockets.ts';
import { POISON_TURNS, SyscallThread } from './syscall-thread.ts';

export interface ConnectRequest {
  readonly to: Address;
  readonly from?: Address;
  readonly bufferLimitBytes: number;
}

/** As many as the system-call socket gathers. */
const VIEWS_PER_WRITE = 64;

export class ConnectionFactory {
  readonly #thread: ConnectionThread;

  /** `coalesce`: what a connection has queued in a turn leaves in one call; else each part in a call of its own. */
  constructor(dispatcher: TurnDispatcher, kind: 'syscall' | 'portable', ids: ConnectionIds, coalesce = true) {
    const viewsPerWrite = coalesce ? VIEWS_PER_WRITE : 1;
    this.#thread = {
      ...(kind === 'syscall' ? syscallThread(dispatcher) : portableThread(dispatcher)),
      dispatcher,
      ids,
      viewsPerWrite,
      views: [],
    };
  }

  /** The thread ends: readiness is not watched any more, so that its loop can run out. */
  stop(): void {
    this.#thread.stop();
  }

  get sockets(): SocketInterface {
    return this.#thread.sockets;
  }

  /** In state `connecting`; the outcome comes as an event, never from within this call. */
  connect(request: ConnectRequest): StreamConnection {
    const { to, from, bufferLimitBytes } = request;
    const thread = this.#thread;
    const options = {
      thread,
      id: thread.ids.next(),
      side: 'upstream' as const,
      createdAt: thread.dispatcher.clock.now(),
      bufferLimitBytes,
    };
    const where = from === undefined ? { to } : { to, from };
    return new StreamConnection(options, 'connecting', (events) => thread.sockets.connect(where, events));
  }

  /** Filters are not started: add them, then call `startFilters()`. Throws as `adopt` does. */
  accept(accepted: AcceptedSocket, bufferLimitBytes: number): StreamConnection {
    const thread = this.#thread;
    const options = {
      thread,
      id: thread.ids.next(),
      side: 'downstream' as const,
      createdAt: accepted.acceptedAt,
      bufferLimitBytes,
    };
    return new StreamConnection(options, 'open', (events) => thread.sockets.adopt(accepted, events));
  }
}

type SocketParts = Pick<ConnectionThread, 'sockets' | 'blocks' | 'slab' | 'stop'>;

function syscallThread(dispatcher: TurnDispatcher): SocketParts {
  const thread = new SyscallThread(dispatcher);
  return {
    sockets: new SyscallSockets(thread),
    blocks: thread.arena,
    slab: thread.slab,
    stop: () => thread.source.stop(),
  };
}

function portableThread(dispatcher: TurnDispatcher): SocketParts {
  const slab = new TurnSlab(HEAP_SLABS, POISON_TURNS);
  dispatcher.onTurnEnd(() => slab.reset());
  return {
    sockets: new PortableSockets(dispatcher),
    blocks: HEAP_BLOCKS,
    slab,
    stop: () => undefined,
  };
}
