/**
 * One full collection of this thread's heap, now. It stops the thread: some 10 ms for each 50 MB that live.
 *
 * V8 collects because something is allocated, and a thread that has just done much and then does nothing keeps what that left. After
 * a collection V8's memory reducer goes on by itself and hands pages back to the system.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** V8 shows its collector to contexts made after the flag was set. It stays set: the flags are those of all threads. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
