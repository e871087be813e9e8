/**
 * How much of the search a line takes off the reader: the places that are left to look at, counted on the lines of the chapters.
 *
 * Istio's own fields know the total, the upstream service time and the flag. What they leave open are all places that the time can have
 * been spent in, inside or outside of the service time. The ledger leaves the segments that it takes to explain four fifths of the
 * total, and its verdict the first of them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUnreadable, parseRecord } from '../../src/diagnose/parse-record.ts';
import type { LogRecord } from '../../src/diagnose/record.ts';
import { LABS } from '../../src/lab/labs.ts';
import { blocksOf, readDocument } from '../docs/markdown.ts';

/** From the moment in which the request may go upstream to the first byte of the answer. */
const IN_SERVICE_TIME = [
  'pool',
  'connect',
  'handshake',
  'upstream',
  'loop',
  'retry',
  'flow.upstream',
  'proxy',
];
const OUTSIDE_OF_IT =
  'client|loop|filter on the processor|filter waiting|body|flow.downstream|flow.upstream|deliver|kernel reading|kernel writing|proxy'.split(
    '|',
  );
const EVERYWHERE = [...new Set([...IN_SERVICE_TIME, ...OUTSIDE_OF_IT])];
const NEARLY_ALL = 0.8;

function chapterLines(): LogRecord[] {
  return LABS.flatMap(({ name }) =>
    blocksOf(readDocument(`labs/${name}.md`))
      .filter(({ language }) => language === 'log')
      .map(({ text }) => {
        const record = parseRecord(text.trimEnd().replaceAll('\n', ' '), name, 1);
        if (isUnreadable(record)) throw new Error(`${name}: ${record.reason}`);
        return record;
      }),
  );
}

/** Places that Istio's fields leave open. */
function leftByBase({ base }: LogRecord): readonly string[] {
  const total = base?.duration ?? 0;
  const service = base?.upstreamServiceTime ?? null;
  if (service === null) return EVERYWHERE;
  if (service >= NEARLY_ALL * total) return IN_SERVICE_TIME;
  return service <= (1 - NEARLY_ALL) * total ? OUTSIDE_OF_IT : EVERYWHERE;
}

/** Segments that it takes, largest first. */
function leftByLedger({ ledger }: LogRecord): readonly string[] {
  const entries = (ledger ?? []).toSorted((left, right) => right.us - left.us);
  const total = entries.reduce((sum, { us }) => sum + us, 0);
  let explained = 0;
  const least = entries.findIndex(({ us }) => (explained += us) >= NEARLY_ALL * total);
  return entries.slice(0, least + 1).map(({ segment }) => segment);
}

const mean = (numbers: readonly number[]): number =>
  numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

test('a line with a ledger leaves about one place to look at, where Istio’s fields leave nine', () => {
  // Where the time is not the matter (a flag, a status, a size), there is nothing to search in it.
  const slow = chapterLines().filter(({ totalUs }) => (totalUs ?? 0) >= 50_000);
  assert.ok(slow.length >= 7, `${slow.length} lines`);
  const before = mean(slow.map((record) => leftByBase(record).length));
  const after = mean(slow.map((record) => leftByLedger(record).length));
  assert.ok(before >= 9, `${before} places before`);
  assert.ok(after <= 1.25, `${after} of ${before} places`);
});
