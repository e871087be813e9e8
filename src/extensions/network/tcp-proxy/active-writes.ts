/**
 * Writes of a proxied TCP connection, passed on to the record of its session: each one is activity, so a peer that takes its bytes
 * slowly is not idle while the other side has long stopped sending.
 */
import type { IoObserver } from '../../../api/observe.ts';

export interface ActivityOwner {
  onActivity(): void;
}

export class ActiveWrites implements IoObserver {
  readonly #record: IoObserver;
  readonly #owner: ActivityOwner;

  constructor(record: IoObserver, owner: ActivityOwner) {
    this.#record = record;
    this.#owner = owner;
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
    this.#record.onWrite(at, took, bytes, blockedBefore, drained, connectionId, secure);
    this.#owner.onActivity();
  }

  onFlushed(at: number): void {
    this.#record.onFlushed(at);
  }
}
