/**
 * What all system-call sockets of one thread share: the calls with their scratch memory, the slab, the arena, the epoll source.
 */
import type { Clock } from '../api/event.ts';
import { Arena } from '../buffer/arena.ts';
import { TurnSlab } from '../buffer/turn-slab.ts';
import { EpollSource } from '../event/epoll-source.ts';
import type { TurnDispatcher } from '../event/turn-dispatcher.ts';
import { mapRegion } from '../os/memory.ts';
import type { Region } from '../os/memory.ts';
import { SocketCalls } from '../os/socket-calls.ts';
import { StreamCalls } from '../os/stream-calls.ts';

/** The kernel's receive stamps are wall time; our times are monotonic. The difference is read anew this often. */
const WALL_REFRESH_MS = 1000;
/** For tests: `NODEPROXY_POISON=1` overwrites turn memory when its turn is over. */
export const POISON_TURNS = process.env['NODEPROXY_POISON'] === '1';
const STAGING_BYTES = 256 * 1024;

export class SyscallThread {
  readonly dispatcher: TurnDispatcher;
  readonly clock: Clock;
  readonly calls = new StreamCalls();
  readonly sockets = new SocketCalls();
  readonly arena = new Arena();
  readonly slab: TurnSlab;
  readonly source: EpollSource;
  /** Room for bytes that come from or go to JS memory. */
  readonly staging: Region;
  #wallOffset = 0;
  #wallReadAt = -Infinity;

  constructor(dispatcher: TurnDispatcher) {
    this.dispatcher = dispatcher;
    this.clock = dispatcher.clock;
    this.slab = new TurnSlab((size) => this.arena.slab(size), POISON_TURNS);
    this.source = new EpollSource(dispatcher, this.slab);
    const staging = mapRegion(STAGING_BYTES);
    if (staging === null) throw new Error('no memory below 2 GiB');
    this.staging = staging;
    dispatcher.onTurnEnd(() => {
      this.slab.reset();
      this.arena.endTurn();
    });
  }

  /** Add to a monotonic time to get the wall time of the kernel's receive stamps, to the microsecond. */
  wallOffset(): number {
    if (this.clock.recent() - this.#wallReadAt > WALL_REFRESH_MS) {
      this.#wallReadAt = this.clock.now();
      this.#wallOffset = this.calls.realtime() - this.#wallReadAt;
    }
    return this.#wallOffset;
  }
}
