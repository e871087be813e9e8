/** Time that moves only when a test says so. */
import type { Clock } from '../../src/api/event.ts';

export class FakeClock implements Clock {
  time = 1000;

  now(): number {
    return this.time;
  }

  recent(): number {
    return this.time;
  }

  /** Wall time starts at 2026-11-21T06:00:00.000Z when `now()` is 0. */
  wallOffset(): number {
    return Date.UTC(2026, 10, 21, 6);
  }
}
