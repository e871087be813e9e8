/** The `date` header's text (RFC 9110 section 5.6.7), made once a second per worker. */
import type { Clock } from '../api/event.ts';

export class HttpDate {
  readonly #clock: Clock;
  #second = -1;
  #text = '';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  text(): string {
    const second = Math.floor((this.#clock.wallOffset() + this.#clock.recent()) / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(second * 1000).toUTCString();
    }
    return this.#text;
  }
}
