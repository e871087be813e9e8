/** The warm-up of a topology's proxies, by requests per worker. */
import type { BenchRun } from '../scenario.ts';
import type { Contender } from './contenders.ts';
import type { Fleet } from './fleet.ts';
import { idPrefix } from './ids.ts';
import { emptyLogs, runClosed, runOpen } from './loads.ts';
import type { LoadOptions } from './loads.ts';

export interface WarmUpOptions extends LoadOptions {
  readonly contenders: readonly Contender[];
  /** For each worker of each proxy; 0: none. */
  readonly warmUpRequests: number;
  /** Of one way at most. */
  readonly warmUpSeconds: number;
  /** Workers of a proxy. */
  readonly concurrency: number;
}

const WARM_UP_STEP_SECONDS = 2;

/** What a way's proxies had served before the first round. */
export interface WarmUp {
  readonly contender: string;
  readonly requestsPerWorker: number;
  readonly seconds: number;
}

/**
 * Compilers that work at run time do their work here, as they do once in the life of a proxy. Every worker gets as many requests of
 * it, so a way of many processes takes longer; a way whose proxies are all on another one is warmed up with that.
 */
export async function warmUp(bench: BenchRun, fleet: Fleet, options: WarmUpOptions): Promise<WarmUp[]> {
  const done: WarmUp[] = [];
  if (options.warmUpRequests === 0) return done;
  const { contenders, concurrency } = options;
  for (const contender of contenders) {
    if (isCovered(fleet, contender, contenders)) continue;
    const { name, way } = contender;
    bench.progress.step(`warm-up: ${name}`);
    // Of the side with more of them: each of its workers gets the fewest.
    const workers = Math.max(0, ...fleet.proxiesOf(way).map((side) => side.length * concurrency));
    const step = { ...options, closedSeconds: WARM_UP_STEP_SECONDS };
    let [requests, seconds] = [0, 0];
    do {
      requests += (await runClosed(fleet, way, step, bench.signal)).requests;
      seconds += WARM_UP_STEP_SECONDS;
    } while (requests < options.warmUpRequests * workers && seconds < options.warmUpSeconds);
    await runOpen(fleet, way, { ...options, seconds: 1 }, () => idPrefix(), bench.signal);
    emptyLogs(fleet, way);
    if (workers > 0)
      done.push({ contender: name, requestsPerWorker: Math.round(requests / workers), seconds });
  }
  return done;
}

function isCovered(fleet: Fleet, contender: Contender, contenders: readonly Contender[]): boolean {
  const proxiesOf = ({ way }: Contender): Set<object> => new Set(fleet.proxiesOf(way).flat());
  const proxies = proxiesOf(contender);
  if (proxies.size === 0) return false;
  const place = contenders.indexOf(contender);
  return contenders.some((other, index) => {
    const others = proxiesOf(other);
    // Of those with the same proxies the first one is warmed up.
    return proxies.isSubsetOf(others) && (others.size > proxies.size || index < place);
  });
}
