/** Feeding a reader from a connection's queue: the part of `Codec.dispatch` that both sides share. */
import type { ByteQueue } from '../../api/bytes.ts';
import type { MessageReader } from './message-reader.ts';

export interface DispatchResult {
  readonly ok: boolean;
  readonly details: string;
}

export const DISPATCHED: DispatchResult = { ok: true, details: '' };

/**
 * Reads view by view until the queue is through or the reader holds back; drains once at the end, because views are valid
 * only while they are queued. A callback may close the connection, which empties the queue under us.
 */
export function readQueue(reader: MessageReader, data: ByteQueue): void {
  let used = 0;
  for (let index = 0; index < data.count; index += 1) {
    const view = data.at(index);
    const size = view.end - view.start;
    const taken = reader.read(view);
    used += taken;
    if (taken < size) break;
  }
  if (used > 0) data.drain(Math.min(used, data.length));
}
