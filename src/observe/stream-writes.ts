/**
 * What a connection tells of the writes of one stream (`IoObserver`): wire byte counts, first and last byte, fragments.
 *
 * Several system calls of one flush are one fragment; a fragment ends when the buffer was drained or the socket had to be
 * waited for. Each observer belongs to one attempt: a retry gets its own, so late writes of the old one touch nothing new.
 */
import type { IoObserver, Ledger } from '../api/observe.ts';
import { FragmentLog } from './fragment-log.ts';
import { lengthUs, offsetUs } from './instant.ts';
import type { StreamRecord } from './stream-info.ts';
import type { UpstreamRecord } from './upstream-record.ts';

function record(
  log: FragmentLog,
  startAt: number,
  at: number,
  took: number,
  bytes: number,
  blocked: number,
  drained: boolean,
  connectionId: number,
  secure: boolean,
): void {
  const sameFlush = log.pushed > 0 && blocked === 0 && !log.newestDrained();
  if (sameFlush && log.newestConnection() === connectionId) log.extendWrite(lengthUs(took), bytes, drained);
  else log.pushWrite(connectionId, secure, offsetUs(startAt, at), lengthUs(took), blocked, bytes, drained);
}

export class UpstreamWrites implements IoObserver {
  readonly fragments: FragmentLog | null;
  readonly #startAt: number;
  readonly #attempt: UpstreamRecord;
  readonly #ledger: Ledger;

  constructor(startAt: number, attempt: UpstreamRecord, ledger: Ledger, recorded: boolean) {
    this.#startAt = startAt;
    this.#attempt = attempt;
    this.#ledger = ledger;
    this.fragments = recorded ? new FragmentLog() : null;
  }

  onWrite(
    at: number,
    took: number,
    bytes: number,
    blockedBefore: number,
    drained: boolean,
    connectionId: number,
    secure: boolean,
  ): void {
    const attempt = this.#attempt;
    if (attempt.requestFirstByteAt < 0) attempt.requestFirstByteAt = at;
    attempt.requestLastByteAt = at;
    attempt.wireBytesSent += bytes;
    // Bytes that waited for the kernel did wait for the upstream; others only for the end of the turn.
    if (blockedBefore === 0) this.#ledger.leaves(at);
    if (this.fragments !== null)
      record(this.fragments, this.#startAt, at, took, bytes, blockedBefore, drained, connectionId, secure);
  }

  /** The last write's own time stands: it lies before this one, as the talk's third number does. */
  onFlushed(_at: number): void {
    return;
  }
}

export class DownstreamWrites implements IoObserver {
  readonly fragments: FragmentLog | null;
  readonly #stream: StreamRecord;

  constructor(stream: StreamRecord, recorded: boolean) {
    this.#stream = stream;
    this.fragments = recorded ? new FragmentLog() : null;
  }

  onWrite(
    at: number,
    took: number,
    bytes: number,
    blockedBefore: number,
    drained: boolean,
    connectionId: number,
    secure: boolean,
  ): void {
    const stream = this.#stream;
    if (stream.responseFirstByteAt < 0) stream.responseFirstByteAt = at;
    stream.downstreamWireBytesSent += bytes;
    if (this.fragments !== null)
      record(this.fragments, stream.startAt, at, took, bytes, blockedBefore, drained, connectionId, secure);
  }

  onFlushed(at: number): void {
    const stream = this.#stream;
    stream.responseLastByteAt = at;
    stream.onDelivered?.(at);
  }
}
