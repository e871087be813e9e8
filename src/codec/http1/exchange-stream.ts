/**
 * What both sides' exchanges are to those who use their stream (`CodecStream`): subscribers and counted read-disable.
 *
 * Owns the pauses that the stream has asked of its connection. Invariant: none of them outlives the exchange.
 */
import type { CodecStream, ResetReason, StreamCallbacks } from '../../api/http.ts';
import type { Connection } from '../../api/network.ts';
import { invariant } from '../../base/invariant.ts';
import { StreamCallbackList } from './stream-callbacks.ts';

export abstract class ExchangeStream implements CodecStream {
  readonly connection: Connection;
  readonly stream: CodecStream = this;
  readonly callbacks = new StreamCallbackList();
  #readDisables = 0;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Reset, or both directions done: calls that come later are ignored. */
  protected abstract readonly dead: boolean;

  abstract resetStream(reason: ResetReason): void;

  readDisable(disable: boolean): void {
    if (this.dead) return;
    this.#readDisables += disable ? 1 : -1;
    invariant(this.#readDisables >= 0, 'reads of a stream enabled no more often than disabled');
    this.connection.readDisable(disable);
  }

  addCallbacks(callbacks: StreamCallbacks): void {
    this.callbacks.add(callbacks, this.connection);
  }

  removeCallbacks(callbacks: StreamCallbacks): void {
    this.callbacks.remove(callbacks);
  }

  /** Ends pauses that nobody will end. */
  release(): void {
    while (this.#readDisables > 0) {
      this.#readDisables -= 1;
      this.connection.readDisable(false);
    }
  }
}
