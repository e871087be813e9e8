/** The scenario `tuning`, run for a moment: every option that is asked for has its row. No figure is judged. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { isMeasured } from '../../bench/report/figures.ts';
import { TUNING } from '../../bench/scenarios/tuning.ts';
import { PAIRS } from '../../bench/tuning/pairs.ts';
import { benchRun, tablesOf } from './support/bench-run.ts';

it('the options are taken by the proxy, and the two sides of each differ', () => {
  const bin = new URL('../../bin/nodeproxy.js', import.meta.url).pathname;
  const { run, end } = benchRun();
  const commands = PAIRS.flatMap(({ before, after }) =>
    [before, after].map((contender) => {
      const folder = join(run.folder, contender.name.replaceAll(/\W+/g, '-'));
      mkdirSync(folder);
      return contender.configure({ folder, port: 1, upstreamPort: 2 });
    }),
  );
  const files = commands.map(({ args }) => args[args.indexOf('-c') + 1] ?? '');
  assert.match(execFileSync(process.execPath, [bin, 'validate', ...files], { encoding: 'utf8' }), /OK/);
  end();
});

it('an option has its p90 before and after, and what it brought', async () => {
  const given = { only: 'sockets,workers', rounds: '1', seconds: '1', 'warm-up': '0' };
  const { run, notes, end } = benchRun(given, { scenario: TUNING });
  const [table] = tablesOf(await TUNING.run(run));
  end();
  assert.equal(table?.body.length, 2, notes.join('\n'));
  for (const { name, cells } of table?.body ?? []) assert.ok(cells.every(isMeasured), name);
  assert.match((table?.notes ?? []).at(-1) ?? '', /5 %/);
});
