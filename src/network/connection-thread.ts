/** What all connections of one thread share, whichever socket interface carries them. */
import type { Bytes } from '../api/bytes.ts';
import type { SocketInterface } from '../api/socket.ts';
import type { ConnectionIds } from '../base/ids.ts';
import type { BlockSource } from '../buffer/chunk-queue.ts';
import type { TurnSlab } from '../buffer/turn-slab.ts';
import type { TurnDispatcher } from '../event/turn-dispatcher.ts';

export interface ConnectionThread {
  readonly dispatcher: TurnDispatcher;
  readonly sockets: SocketInterface;
  readonly ids: ConnectionIds;
  readonly blocks: BlockSource;
  readonly slab: TurnSlab;
  /** Most views that one system call offers; 1 shows what writing head and body apart costs. */
  readonly viewsPerWrite: number;
  /** Scratch of the flush. */
  readonly views: Bytes[];
  readonly stop: () => void;
}
