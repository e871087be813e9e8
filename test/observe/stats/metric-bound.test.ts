import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { configureLogging } from '../../../src/base/logger.ts';
import { SlabStats } from '../../../src/observe/stats/slab-stats.ts';

test('the first refusal is logged with its name, the others are not', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'stats-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'log');
  configureLogging({ format: 'text', path, thread: '1' });
  context.after(() => configureLogging({ format: 'text', thread: '1' }));
  const stats = new SlabStats({ announce: () => undefined, maxMetrics: 2 });
  for (const name of ['kept', 'refused', 'late']) stats.counter(name).inc();
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /more than 2 statistics: refused and what comes after it/);
});
