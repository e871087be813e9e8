/**
 * Finds the way that is there. The client is one service of all profiles and Compose does not tell it which of them it runs in, so it
 * asks: each way has marks, and exactly one way must have all of its marks answering. Part of a way is a failed start and two ways are
 * two profiles at once; neither is measured.
 */
import { request } from 'undici';
import type { Endpoint, Settings, Way } from './settings.ts';
import { SettingsError } from './settings.ts';

const MOST_MS = 2000;

export type Answers = (mark: Endpoint, way: Way) => Promise<boolean>;

/** @throws SettingsError saying what answers and what does not. */
export async function findWay({ ways }: Settings, answers: Answers = ready): Promise<Way> {
  const looked = await Promise.all(ways.map(async (way) => ({ way, silent: await silentOf(way, answers) })));
  const begun = looked.filter(({ way, silent }) => silent.length < way.marks.length);
  const [only, other] = begun;
  if (only === undefined)
    throw new SettingsError(
      `nothing answers of any profile: start one of ${ways.map(({ name }) => name).join(', ')} with --profile`,
    );
  if (other !== undefined)
    throw new SettingsError(
      `profiles ${begun.map(({ way }) => way.name).join(' and ')} are there at once: run one at a time`,
    );
  if (only.silent.length > 0)
    throw new SettingsError(`profile ${only.way.name}: not ready: ${only.silent.join(', ')}`);
  return only.way;
}

async function silentOf(way: Way, answers: Answers): Promise<string[]> {
  const silent = await Promise.all(
    way.marks.map(async (mark) => ((await answers(mark, way)) ? [] : [mark.name])),
  );
  return silent.flat();
}

/** A proxy is there when its admin says so; the mark of `direct` is a service. */
async function ready({ address }: Endpoint, { entry }: Way): Promise<boolean> {
  try {
    const path = entry === null ? '/' : '/ready';
    const { statusCode, body } = await request(`http://${address}${path}`, {
      signal: AbortSignal.timeout(MOST_MS),
    });
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}
