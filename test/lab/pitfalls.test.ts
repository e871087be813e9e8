/** The table of `nodeproxy lab pitfalls`, of two labs that are quick. The others have tests of their own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LABS } from '../../src/lab/labs.ts';
import { runPitfalls } from '../../src/lab/pitfalls.ts';

test('a row before and a row after the remedy, with what failed and what the diagnosis says first', async () => {
  const labs = LABS.filter(({ name }) => name === 'payload-too-large' || name === 'large-header');
  const rows: string[] = [];
  const good = await runPitfalls(labs, 0, (row) => rows.push(row));
  assert.ok(good, rows.join('\n'));
  assert.match(rows[0] ?? '', /^pitfall +requests +failed +p50 +longest +the diagnosis says first$/);
  assert.match(
    rows[1] ?? '',
    /^start-order +before +20 +[1-9]\d* +\S.* nothing: refused before the proxy was there$/,
  );
  assert.match(rows[2] ?? '', /^ +after +20 +0 +[\d.]+ ms +[\d.]+ ms +nothing$/);
  assert.match(rows[3] ?? '', /^payload-too-large +before +20 +10 +[\d.]+ ms +[\d.]+ ms +failures \(413\)$/);
  assert.match(rows[4] ?? '', /^ +after +20 +0 +[\d.]+ ms +[\d.]+ ms +\S/);
  assert.match(rows[5] ?? '', /^large-header +before +20 +20 +[\d.]+ ms +[\d.]+ ms +large-head$/);
  assert.match(rows[6] ?? '', /^ +after +20 +0 /);
  assert.equal(rows.length, 8);
});

test('the pitfalls are those that the talks report', () => {
  const pitfalls = LABS.filter(({ pitfall }) => pitfall).map(({ name }) => name);
  for (const name of ['payload-too-large', 'idle-close-race', 'idle-close-retry', 'gateway-upload'])
    assert.ok(pitfalls.includes(name), name);
  assert.ok(!pitfalls.includes('slow-upstream'));
});
