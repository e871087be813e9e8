/**
 * Rounds with and without sockmap, at few and at many connections. The closed loop has so many requests, however long they take: its
 * connections are open before it begins.
 */
import { readFileSync } from 'node:fs';
import type { BenchRun } from '../scenario.ts';
import { runClosed } from '../topology/loads.ts';
import { measureRounds } from '../topology/rounds.ts';
import type { RoundsOptions } from '../topology/rounds.ts';
import { countText } from './counts-section.ts';
import type { CountResult } from './counts-section.ts';
import { UPSTREAM_CONNECTIONS } from './stand.ts';
import type { Stand } from './stand.ts';
import { interceptedContenders } from './steps.ts';

/** A lone connection has its answer long before the next request then. */
const RATE_PER_CONNECTION = 200;
/** What a second of the closed loop is taken for: all connections together, and a lone one. */
const CLOSED_RATE = 4000;
const CLOSED_RATE_PER_CONNECTION = 500;
/** Else its end, when connections are done one by one, would be most of it. */
const REQUESTS_PER_CONNECTION = 3;
/** Of a proxy, beside its clients' connections: those of its pools, programs, logs. */
const OTHER_FILES = 4 * UPSTREAM_CONNECTIONS + 500;

export async function measureCounts(
  bench: BenchRun,
  stand: Stand,
  options: RoundsOptions,
): Promise<CountResult[]> {
  const names = ['redirect', 'ebpf', 'sockmap'];
  const contenders = interceptedContenders(stand).filter(({ way }) =>
    names.includes(way.interception?.name ?? ''),
  );
  const counts: CountResult[] = [];
  const most = mostConnections();
  for (const connections of (bench.options.get('counts') ?? '').split(',').map(Number)) {
    if (connections > most) {
      bench.progress.note(`no ${connections} connections: a process may open too few files (ulimit -n)`);
      continue;
    }
    const load = {
      ...options,
      contenders,
      connections,
      rate: Math.min(options.rate, connections * RATE_PER_CONNECTION),
      closedRequests: closedRequests(options.closedSeconds, connections),
      warmUpRequests: 0,
    };
    for (const { name, way } of contenders) {
      bench.progress.step(`${countText(connections)}, pools are filled: ${name}`);
      await runClosed(stand.fleet, way, load, bench.signal);
    }
    counts.push({ load, results: (await measureRounds(bench, stand.fleet, load)).results });
  }
  return counts;
}

function closedRequests(seconds: number, connections: number): number {
  const rate = Math.min(CLOSED_RATE, connections * CLOSED_RATE_PER_CONNECTION);
  return Math.round(Math.max(seconds * rate, connections * REQUESTS_PER_CONNECTION));
}

/** So many clients may a proxy have, by what the system allows a process. */
function mostConnections(): number {
  const limit = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return Number(limit ?? Infinity) - OTHER_FILES;
}
