/**
 * Waits until every service answers by the way. A proxy is ready when it serves, but its upstreams' names exist only from their
 * containers' start on and are asked for once a second, so the first requests may find no one behind it.
 */
import { request } from 'undici';
import { delay, SystemClock } from '../../src/base/clock.ts';

const MOST_MS = 30_000;
const ANSWER_MS = 2000;
const PAUSE_MS = 100;
const clock = new SystemClock();

export interface Target {
  readonly name: string;
  readonly url: string;
}

/** @throws Error naming the service that did not answer in time, and how it answered last. */
export async function settle(
  targets: readonly Target[],
  signal: AbortSignal,
  mostMs = MOST_MS,
): Promise<void> {
  const until = clock.now() + mostMs;
  for (const { name, url } of targets) {
    for (let last = await answerOf(name, url); last !== '200'; last = await answerOf(name, url)) {
      signal.throwIfAborted();
      if (clock.now() > until)
        throw new Error(`service ${name} does not answer at ${url} after ${mostMs / 1000} s: ${last}`);
      await delay(PAUSE_MS);
    }
  }
}

/** A status, or what went wrong. */
async function answerOf(host: string, url: string): Promise<string> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const { statusCode, body } = await request(url, { headers: { host }, signal });
    await body.dump();
    return String(statusCode);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
