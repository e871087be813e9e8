/** Rounds: interleaved, and with contenders that fail in every way still in the result. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { caseTable } from '../../bench/contenders/case-table.ts';
import type { Contender } from '../../bench/contenders/contender.ts';
import { compared, cpuRatio, cpuRatioSideBySide, figureOf } from '../../bench/contenders/figures.ts';
import { chosen, choice, whole } from '../../bench/contenders/plan.ts';
import { Rig } from '../../bench/contenders/rig.ts';
import { measureRounds } from '../../bench/contenders/rounds.ts';
import type { Outcome, Round } from '../../bench/contenders/rounds.ts';
import { geometricMean } from '../../bench/peers/score.ts';
import { benchRun } from './support/bench-run.ts';

const WORK = { name: 'test', path: '/', connections: 2 };

/** A server of one expression: what it does with a request. */
function server(name: string, answer: string, missing?: string): Contender {
  return {
    name,
    program: { name, missing: () => missing, version: () => '1.0' },
    configure({ folder, port }) {
      const file = join(folder, 'server.js');
      const log = join(folder, 'log');
      writeFileSync(log, '');
      writeFileSync(
        file,
        `let count = 0; require('http').createServer((request, response) => { count += 1; ${answer} }).listen(${port}, '127.0.0.1');`,
      );
      return {
        command: process.execPath,
        args: ['--input-type=commonjs', '-e', `require(${JSON.stringify(file)})`],
        logs: [log],
      };
    },
  };
}

const GOOD = server('good', `response.end('hello');`);
const REFUSING = server('refusing', `response.statusCode = 503; response.end();`);
const DYING = server(
  'dying',
  `if (count > 5) { console.error('out of luck'); process.exit(7); } response.end();`,
);
const MISSING = server('missing', '', 'missing is not installed');

describe('rounds', () => {
  it('go through the contenders in turn, and keep those that fail', async () => {
    const { run, notes, steps, versions, end } = benchRun();
    const rig = await Rig.open(run);
    try {
      const plan = { rounds: 2, seconds: 1, warmUpSeconds: 0, sideBySide: true };
      const outcomes = await measureRounds(rig, [GOOD, REFUSING, DYING, MISSING], WORK, plan);
      const order = steps.filter((step) => step.includes('round')).map((step) => step.split(': ')[1]);
      assert.deepEqual(order, [
        'good',
        'refusing',
        'dying',
        'missing',
        'all at once',
        'good',
        'refusing',
        'dying',
        'missing',
        'all at once',
      ]);
      const [good, refusing, dying, missing] = outcomes as [Outcome, Outcome, Outcome, Outcome];
      assert.equal(good.failures, 0);
      assert.ok(good.rounds.every((round) => round !== null && round.user + round.system > 0));
      assert.ok(good.sideBySide.length === 2 && (good.sideBySide[0]?.load.requests ?? 0) > 0);
      assert.deepEqual(missing.sideBySide, [null, null]);
      assert.ok((good.pss ?? 0) > 2 ** 20);
      assert.ok(refusing.failures > 0 && refusing.pss !== null);
      assert.match(String(dying.problem), /ended under load: .*out of luck/);
      assert.equal(dying.pss, null);
      assert.deepEqual(missing.rounds, [null, null]);
      assert.match(String(missing.problem), /not installed/);
      assert.equal(notes.filter((note) => note.startsWith('dying')).length, 1, 'said once');
      assert.equal(versions.get('good'), '1.0');
      const table = caseTable({ title: 'Case', unit: 'request', reference: 'good', outcomes });
      assert.deepEqual(
        table.body.map(({ name }) => name),
        ['good', 'refusing', 'dying', 'missing'],
      );
      for (const { cells } of table.body) assert.equal(cells.length, table.columns.length);
      assert.match((table.notes ?? []).join('\n'), /refusing, failed requests: \d+ .*status/);
    } finally {
      await rig.close();
      end();
    }
  });

  it('end with everything they started when the run is interrupted', async () => {
    const stop = new AbortController();
    const { run, end } = benchRun({}, { signal: stop.signal });
    const rig = await Rig.open(run);
    const running = await rig.start(GOOD);
    const [pid = 0] = running.process.pids;
    const load = rig.load(running, { ...WORK, seconds: 60 });
    setImmediate(() => stop.abort(new Error('interrupted')));
    await assert.rejects(load);
    await rig.close();
    assert.ok(running.process.ended);
    assert.throws(() => process.kill(pid, 0));
    await assert.rejects(rig.start(GOOD), /interrupted/);
    end();
  });
});

describe('figures of rounds', () => {
  const round = (user: number): Round => ({
    user,
    system: 0,
    busy: 1,
    load: {
      requests: 1,
      failures: 0,
      faults: {},
      requestsPerSecond: 1,
      latency: { p50: 1, p90: 1, p99: 1, p999: 1, max: 1 },
    },
  });
  const outcome = (
    name: string,
    rounds: readonly (Round | null)[],
    sideBySide: readonly (Round | null)[] = [],
  ): Outcome => ({
    contender: server(name, ''),
    rounds,
    sideBySide,
    failures: 0,
    faults: {},
    pss: null,
    lineBytes: null,
  });

  it('are compared within the same round only', () => {
    const reference = outcome('reference', [round(10), null, round(100)]);
    const other = outcome('other', [round(5), round(7), round(200)]);
    assert.deepEqual(cpuRatio(other, reference), { median: 1.25, low: 0.5, high: 2, rounds: 2 });
  });

  it('of rounds side by side are compared with those of the same moment', () => {
    const reference = outcome('reference', [round(1)], [round(10), null, round(100)]);
    const other = outcome('other', [round(9)], [round(15), round(7), round(160)]);
    assert.deepEqual(cpuRatioSideBySide(other, reference), { median: 1.55, low: 1.5, high: 1.6, rounds: 2 });
    const table = caseTable({
      title: '',
      unit: 'request',
      reference: 'reference',
      outcomes: [reference, other],
    });
    const column = table.columns.findIndex(({ name }) => name === 'side by side');
    assert.deepEqual(table.body[1]?.cells[column], { median: 1.55, low: 1.5, high: 1.6, rounds: 2 });
  });

  it('are none where no round has them', () => {
    const nothing = outcome('nothing', [null, round(NaN)]);
    assert.equal(
      figureOf(nothing, ({ user }) => user),
      null,
    );
    assert.equal(cpuRatio(nothing, nothing), null);
    assert.equal(
      compared(outcome('a', [round(1)]), outcome('b', []), () => 1),
      null,
    );
  });

  it('of a suite are one score: the geometric mean', () => {
    assert.ok(Math.abs(geometricMean([0.5, 2]) - 1) < 1e-12);
  });
});

describe('options of a plan', () => {
  it('are whole numbers within their bounds', () => {
    const check = whole(1, 100);
    for (const good of ['1', '100']) assert.equal(check(good), null);
    for (const bad of ['0', '101', '1.5', '-1', '', 'five', '1e2'])
      assert.match(String(check(bad)), /whole number/);
  });

  it('name what there is, and nothing else', () => {
    const option = choice('cases', 'what', ['a', 'b']);
    assert.equal(option.check?.('b,a'), null);
    assert.match(String(option.check?.('a,c')), /no "c" in a, b/);
    assert.match(String(option.check?.('')), /no ""/);
    assert.deepEqual(chosen(benchRun({ cases: 'a,b' }).run, 'cases'), ['a', 'b']);
  });
});
