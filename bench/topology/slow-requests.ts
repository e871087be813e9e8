/**
 * The slow requests of a round, each with the lines that it left in the proxies' logs, found by the id that the client gave it.
 *
 *   client     |lag|--------------------- latency -----------------------|
 *   outbound       |waited|------ total: ledger, `upstream` inside -----|
 *   inbound                     |waited|----- total: ledger -----|
 *
 * Lengths are microseconds. `waited` is the time that the request's first bytes lay in the kernel before the proxy read them: it
 * belongs to the worker's loop, and no total can contain it.
 */
import { delay } from '../../src/base/clock.ts';
import { isUnreadable, parseRecord } from '../../src/diagnose/parse-record.ts';
import type { LedgerEntry, LogRecord } from '../../src/diagnose/record.ts';
import { logLines } from '../../src/diagnose/waterfall/lines.ts';
import { FAILED, requestId } from '../harness/open-loop.ts';
import type { OpenLoopReport } from '../harness/open-loop.ts';
import type { Fleet, Way } from './fleet.ts';
import { idIn } from './ids.ts';
import { FLUSH_MS } from './topology-proxy.ts';
import type { TopologyProxy } from './topology-proxy.ts';

/** The slowest of a round, however fast they were. */
const SLOWEST = 10;
/** Beyond ten times the median: the slowest of them, for the logs are read for each. */
const MOST_SLOW = 300;
const MOST_TRIES = 20;

export interface Hop {
  readonly proxy: string;
  readonly waitedUs: number;
  readonly totalUs: number;
  readonly ledger: readonly LedgerEntry[];
  readonly line: string;
}

export interface SlowRequest {
  readonly id: string;
  readonly contender: string;
  readonly round: number;
  readonly latencyUs: number;
  readonly lagUs: number;
  /** Median of its round. */
  readonly p50Us: number;
  /** Of the outbound, then of the inbound proxy; `null`: no line of it was found. */
  readonly hops: readonly (Hop | null)[];
}

export interface SlowSearch {
  readonly contender: string;
  readonly way: Way;
  readonly round: number;
  readonly reports: readonly OpenLoopReport[];
  /** Of the ids, by client. */
  readonly prefixes: readonly string[];
  readonly p50: number;
}

type Found = Omit<SlowRequest, 'hops'>;

/** Slowest first. */
export async function linkSlow(fleet: Fleet, search: SlowSearch): Promise<SlowRequest[]> {
  const found = slowest(search);
  const ids = new Set(found.map(({ id }) => id));
  const sides = fleet.proxiesOf(search.way).filter((side) => side.length > 0);
  let lines: Map<string, Hop>[] = [];
  for (let tried = 0; sides.length > 0 && tried < MOST_TRIES; tried += 1) {
    await delay(FLUSH_MS);
    lines = await Promise.all(sides.map((side) => hopsOf(side, ids)));
    if (lines.every((hops) => hops.size === ids.size)) break;
  }
  return found.map((each) => ({
    ...each,
    hops: sides.map((_, index) => lines[index]?.get(each.id) ?? null),
  }));
}

function slowest({ reports, prefixes, p50, contender, round }: SlowSearch): Found[] {
  const found = reports.flatMap(({ latencies, lags }, client) => {
    const all = Array.from(latencies, (latencyUs, number) => ({ latencyUs, number }));
    return all
      .filter(({ latencyUs }) => latencyUs !== FAILED)
      .map(({ latencyUs, number }) => ({ latencyUs, number, client, lagUs: lags[number] ?? 0 }));
  });
  const sorted = found.toSorted((a, b) => b.latencyUs - a.latencyUs);
  const tenfold = sorted.filter(({ latencyUs }) => latencyUs > 10 * p50).length;
  const taken = sorted.slice(0, Math.min(MOST_SLOW, Math.max(SLOWEST, tenfold)));
  return taken.map(({ latencyUs, lagUs, number, client }) => ({
    id: requestId(prefixes[client] ?? '', number),
    contender,
    round,
    latencyUs,
    lagUs,
    p50Us: p50,
  }));
}

/** The lines of these requests in the logs of one side, by id. */
async function hopsOf(
  proxies: readonly TopologyProxy[],
  ids: ReadonlySet<string>,
): Promise<Map<string, Hop>> {
  const hops = new Map<string, Hop>();
  for (const proxy of proxies) {
    for (const file of proxy.logFiles) {
      for await (const lines of logLines(file)) {
        for (const { text, lineNumber } of lines) {
          const id = idIn(text);
          if (id === null || !ids.has(id)) continue;
          const record = parseRecord(text, file, lineNumber);
          if (!isUnreadable(record) && record.ledger !== null) hops.set(id, hopOf(proxy.name, record));
        }
      }
    }
  }
  return hops;
}

export function hopOf(proxy: string, record: LogRecord): Hop {
  const [first] = record.downstreamReads ?? [];
  const waited = first?.kind === 'read' ? (first.waited ?? 0) : 0;
  return {
    proxy,
    waitedUs: first?.kind === 'read' && first.unit === 'ms' ? waited * 1000 : waited,
    totalUs: record.totalUs ?? 0,
    ledger: record.ledger ?? [],
    line: record.text.trimEnd(),
  };
}
