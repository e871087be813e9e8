/** The part `pairing` passes with the proxy as it is, and would not if an answer reached the wrong request. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPairs, runPairing } from '../../bench/soak/pairing.ts';
import { checkOf, notMet, smallSoak } from './soak-run.ts';

test('a few thousand random requests get their own answers', async (t) => {
  const result = await runPairing(smallSoak(t, 2000));
  assert.deepEqual(notMet(result), []);
  assert.match(
    checkOf(result, /created connection is not the used one/).found,
    /^\d+ of \d+ that created one$/,
  );
  assert.ok(Number(checkOf(result, /with their own nonce/).found.replaceAll(',', '')) > 1000);
});

test('answers with the nonce of another request are found, by the client and in the log', async (t) => {
  const result = await runPairing(smallSoak(t, 1000), 50);
  for (const what of [/^answers with another/, /^log lines whose answer/]) {
    const { passed, found } = checkOf(result, what);
    assert.ok(!passed && Number(found) > 3, `${String(what)}: ${found}`);
  }
  const [listing] = result.parts;
  assert.ok(listing?.kind === 'listing');
  assert.match(listing.lines[0] ?? '', /^asked [0-9a-f]{16}, got [0-9a-f]{16} with body/);
});

test('the log tells created connections from used ones', async (t) => {
  const { folder } = smallSoak(t, 0);
  const file = join(folder, 'pairs.log');
  const lines = [
    '200 - a a "[C5~C5:R:0,<01:38.858>0,209]d"',
    '200 - b b "[C6~C5:R:0,<01:38.858>0,209]d"',
    '200 - c x "[C0~C5:R:0,<01:38.858>0,209]d"',
    '503 UF d - "-"',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const { lines: count, wrong, created, otherUsed, flags } = await readPairs(file);
  assert.deepEqual({ count, wrong, created, otherUsed }, { count: 4, wrong: 1, created: 2, otherUsed: 1 });
  assert.deepEqual(
    [...flags],
    [
      ['-', 3],
      ['UF', 1],
    ],
  );
});

test('an interrupted run ends its processes and says so', async (t) => {
  const interrupt = new AbortController();
  const running = runPairing(smallSoak(t, 10_000_000, interrupt.signal));
  setTimeout(() => interrupt.abort(new Error('interrupted')), 4000);
  await assert.rejects(running, /interrupted/);
});
