/**
 * The lines that some requests left in the proxies' logs, by their ids. Logs may be of any size: only what is found is held. Lines
 * come some time after the answer (the proxies write them in batches), so what is missing is looked for once more.
 */
import { existsSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { delay } from '../../src/base/clock.ts';

export interface LogOf {
  readonly proxy: string;
  readonly file: string;
  /** Where the log ended when the run began: what is older belongs to others. */
  readonly from: number;
}

export interface FoundLine {
  readonly proxy: string;
  readonly id: string;
  readonly line: string;
}

const FILE = 'access.log';
/** Above the interval in which the proxies write their logs (`docker-compose.yml`: 200 ms). */
const SETTLE_MS = 1000;
const LOOKS = 3;
/** A request has one line in each proxy on its way; more are retries. */
const MOST_LINES = 1000;

export function logsOf(folder: string, proxies: readonly string[]): LogOf[] {
  return proxies.map((proxy) => {
    const file = join(folder, proxy, FILE);
    return { proxy, file, from: existsSync(file) ? statSync(file).size : 0 };
  });
}

/** Until every id has a line in some log, or three times. Without logs there are no lines. */
export async function linesOf(logs: readonly LogOf[], ids: readonly string[]): Promise<FoundLine[]> {
  let found: FoundLine[] = [];
  for (let look = 0; look < LOOKS && logs.length > 0 && ids.length > 0; look += 1) {
    await delay(SETTLE_MS);
    found = (await Promise.all(logs.map((log) => linesIn(log, ids)))).flat();
    if (ids.every((id) => found.some((each) => each.id === id))) break;
  }
  return found;
}

async function linesIn({ proxy, file, from }: LogOf, ids: readonly string[]): Promise<FoundLine[]> {
  if (!existsSync(file)) return [];
  const pattern = new RegExp(ids.map((id) => RegExp.escape(id)).join('|'));
  const found: FoundLine[] = [];
  const handle = await open(file);
  try {
    for await (const line of handle.readLines({ start: from })) {
      const id = pattern.exec(line)?.[0];
      if (id !== undefined && found.length < MOST_LINES) found.push({ proxy, id, line });
    }
  } finally {
    await handle.close();
  }
  return found;
}
