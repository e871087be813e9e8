/** What the tests of the instrumented log share: its line with more groups behind it, parsed by the project's own grammar. */
import assert from 'node:assert/strict';
import { INSTRUMENTED_FORMAT } from '../../src/observe/format/instrumented-format.ts';
import type {
  ReadFragment,
  ReadGroup,
  WriteFragment,
  WriteGroup,
} from '../../src/observe/grammar/fragments.ts';
import { parseWrites } from '../../src/observe/grammar/fragments.ts';
import type { BaseFields, SixNumbers } from '../../src/observe/grammar/instrumented-line.ts';
import { parseInstrumentedLine, printInstrumentedLine } from '../../src/observe/grammar/instrumented-line.ts';
import type { Json, RunningProxy } from './proxy.ts';
import { pause } from './raw-client.ts';

/** The talk's line, and behind it the fourth group, the exact total and the ledger. */
export const LONG_FORMAT = `${INSTRUMENTED_FORMAT.trimEnd()} "%DOWNSTREAM_WRITE_DURATION%" %DURATION(us)% %LEDGER%`;

export interface LongLine {
  readonly text: string;
  readonly base: BaseFields;
  readonly six: SixNumbers;
  readonly threadId: number;
  /** Fragments of each group; the lines of these tests leave none out. */
  readonly reads: readonly ReadFragment[];
  readonly upstreamWrites: readonly WriteFragment[];
  readonly upstreamReads: readonly ReadFragment[];
  readonly writes: readonly WriteFragment[];
  readonly totalUs: number;
  readonly ledger: ReadonlyMap<string, number>;
}

/** Fails if the line is not one of `LONG_FORMAT` to the last byte, or its parts contradict each other. */
export function parseLong(text: string): LongLine {
  const line = parseInstrumentedLine(text);
  assert.ok(line?.base && line.six && line.upstreamReads && line.tail, `not a line of the talk: ${text}`);
  assert.equal(printInstrumentedLine(line), text, 'what was parsed is what was printed');
  const { base, six } = line;
  assert.deepEqual(line.tail, [six.responseDuration, six.responseTxDuration]);
  assert.equal(base.duration, six.duration);
  assert.equal(base.upstreamServiceTime, six.upstreamServiceTime);
  const rest = /^ "([^"]*)" (\d+) (\S+)$/.exec(line.rest);
  const writes = parseWrites(rest?.[1] ?? 'none');
  assert.ok(rest !== null && writes !== null, `no groups behind the tail: ${line.rest}`);
  const ledger = parseLedger(rest[3] ?? '-');
  const totalUs = Number(rest[2]);
  assert.equal(sumOf(ledger), totalUs, `the ledger adds up: ${text}`);
  return {
    text,
    base,
    six,
    threadId: line.threadId,
    reads: whole(line.downstreamReads),
    upstreamWrites: wholeWrites(line.upstreamWrites),
    upstreamReads: whole(line.upstreamReads),
    writes: wholeWrites(writes),
    totalUs,
    ledger,
  };
}

/** `client=120,filter.lua=9003`: us by segment. */
export function parseLedger(text: string): Map<string, number> {
  const ledger = new Map<string, number>();
  if (text === '-') return ledger;
  for (const entry of text.split(',')) {
    const [, name = '', us = ''] = /^([^=]+)=(\d+)$/.exec(entry) ?? [];
    assert.ok(name !== '' && !ledger.has(name), `not a ledger: ${text}`);
    ledger.set(name, Number(us));
  }
  return ledger;
}

export function sumOf(ledger: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const us of ledger.values()) sum += us;
  return sum;
}

/** Bytes of all fragments of a group. */
export function bytesOf(fragments: readonly { readonly bytes: number }[]): number {
  return fragments.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** `H,D!1` of one read, without the lengths and stamps of its flow control. */
export function marksOf({ marks }: ReadFragment): string {
  return marks
    .map(({ mark, flows }) => mark + flows.map((flow) => (flow.kind === 'paused' ? '!' : '+')).join(''))
    .join(',');
}

function whole(group: ReadGroup): readonly ReadFragment[] {
  return group.map((fragment) => {
    assert.equal(fragment.kind, 'read');
    return fragment as ReadFragment;
  });
}

function wholeWrites(group: WriteGroup): readonly WriteFragment[] {
  return group.map((fragment) => {
    assert.equal(fragment.kind, 'write');
    return fragment as WriteFragment;
  });
}

const HOUR_US = 3_600_000_000;

/** Milliseconds from one stamp to a later one: stamps count within their hour. */
export function msBetween(fromUs: number, toUs: number): number {
  return ((((toUs - fromUs) % HOUR_US) + HOUR_US) % HOUR_US) / 1000;
}

/** Polls a counter or gauge until it has at least that value: how a test learns that the other process has got so far. */
export async function untilStat(proxy: RunningProxy, name: string, least: number): Promise<void> {
  const until = Date.now() + 20_000;
  let value = 0;
  while (Date.now() < until) {
    value = await proxy.stat(name);
    if (value >= least) return;
    await pause(5);
  }
  assert.fail(`${name} is ${value}, not ${least}\n${proxy.output}`);
}

/** The proxy's own words come over a pipe of their own: later than the answer, and than the numbers. */
export async function untilSaid(proxy: RunningProxy, pattern: RegExp): Promise<void> {
  const until = Date.now() + 20_000;
  while (!pattern.test(proxy.output)) {
    assert.ok(Date.now() < until, `not said: ${pattern}\n${proxy.output}`);
    await pause(10);
  }
}

/** A filter of ours, from a module given by its absolute path. */
export function javascriptFilter(name: string, module: string): Json {
  const type = 'type.googleapis.com/nodeproxy.extensions.filters.http.javascript.v1.JavaScript';
  return { name, typed_config: { '@type': type, module } };
}
