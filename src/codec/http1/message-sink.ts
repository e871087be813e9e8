/**
 * What the reader (`message-reader.ts`) asks and tells: the codec's side of parsing. Calls of one message come in order:
 * `mayBegin`, `frame`, `onHead`, `onBody`…, perhaps `onTrailers`; `onWire` right before the part that its bytes complete.
 */
import type { Bytes } from '../../api/bytes.ts';
import type { Mark } from '../../api/observe.ts';
import type { HeaderList } from '../header-map.ts';
import type { HeadScan } from './head-scan.ts';
import type { Rejection } from './rejection.ts';

/** How the body behind a head is delimited. `informational`: another head of the same message follows. */
export type Framing =
  'none' | 'sized' | 'chunked' | 'until-close' | 'tunnel' | 'held' | 'informational' | 'refused';

export interface MessageSink {
  /** The first byte of a message is there. False: not now, the bytes stay in the queue. */
  mayBegin(): boolean;
  /** Decides the framing; for `sized` it has set `reader.bodyLength`, for `refused` `reader.rejection`. Calls nobody. */
  frame(head: HeaderList, scan: HeadScan): Framing;
  onHead(head: HeaderList, end: boolean): void;
  onInformational(head: HeaderList): void;
  onBody(bytes: Bytes, end: boolean): void;
  onTrailers(trailers: HeaderList): void;
  onWire(mark: Mark | null, bytes: number): void;
  /** The message is refused; the reader drops everything from here on. */
  onRejection(rejection: Rejection): void;
  /** Bytes in a state that leaves them in the queue. */
  onHeld(): void;
}
