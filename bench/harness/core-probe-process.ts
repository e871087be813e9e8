/**
 * Looks again and again, for a fraction of a millisecond, how much of its core is there: a loop of independent operations next to one
 * in which each waits for the one before it. Another thread on the same physical core, of a neighbour that this machine does not
 * see, takes execution units from the first and leaves the second as it was.
 *
 * A line of standard input is answered by what was seen since the line before: `{ samples, crowding }`, see `CoreWeather`.
 */
import type { CoreWeather } from './core-probe.ts';
import { answerLines } from './line-process.ts';

const PAUSE_MS = 50;
/** Some 25 microseconds each. */
const WIDE_TURNS = 50_000;
const DEEP_TURNS = 20_000;
/** The quickest counts: whoever else runs on the core may come between. */
const TRIES = 3;
const WARM_UPS = 300;
const NS_PER_MS = 1e6;

/** What the loops compute, so that they are not optimised away. */
let sink = 0;
let samples = 0;
let sum = 0;

function wide(turns: number): number {
  let [a, b, c, d] = [1, 2, 3, 4];
  for (let turn = 0; turn < turns; turn += 1) {
    a = (a + turn) | 0;
    b = b ^ turn;
    c = (c + turn) | 0;
    d = d ^ turn;
  }
  return a ^ b ^ c ^ d;
}

function deep(turns: number): number {
  let value = 1;
  for (let turn = 0; turn < turns; turn += 1) {
    value = Math.imul(value, 48_271);
    value = value ^ (value >>> 7);
  }
  return value;
}

/** Nanoseconds a turn. */
function quickest(loop: (turns: number) => number, turns: number): number {
  let least = Infinity;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const before = performance.now();
    sink ^= loop(turns);
    least = Math.min(least, performance.now() - before);
  }
  return (least * NS_PER_MS) / turns;
}

function look(): void {
  samples += 1;
  sum += Math.log(quickest(wide, WIDE_TURNS) / quickest(deep, DEEP_TURNS));
}

for (let turn = 0; turn < WARM_UPS; turn += 1) sink ^= wide(WIDE_TURNS) ^ deep(DEEP_TURNS);
setInterval(look, PAUSE_MS);

answerLines(() => {
  const seen: CoreWeather = { samples, crowding: samples === 0 ? null : sum / samples };
  samples = 0;
  sum = 0;
  return Promise.resolve(seen);
});
