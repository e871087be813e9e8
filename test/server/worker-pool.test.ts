/** The pool with real threads: start in two steps, requests acknowledged in order, crashes answered by replacements. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { FromWorker } from '../../src/api/server.ts';
import { SystemClock } from '../../src/base/clock.ts';
import { setLogLevels } from '../../src/base/logger.ts';
import { WorkerPool } from '../../src/server/worker-pool.ts';
import { LOST } from '../../src/server/worker-seat.ts';
import type { Script } from './workers/scripted-worker.ts';

setLogLevels({ main: 'off' });
const entry = new URL('./workers/scripted-worker.ts', import.meta.url);
let pool: WorkerPool | null = null;

afterEach(async () => {
  await pool?.stop();
  pool = null;
});

interface Fixture {
  readonly pool: WorkerPool;
  readonly lost: string[];
  readonly messages: FromWorker[];
  /** Ends the rests, given or yet to come, and says how long they were to be. */
  readonly rests: number[];
  onMessage: () => void;
}

function fixture(concurrency: number, script: (index: number) => Partial<Script> = () => ({})): Fixture {
  const lost: string[] = [];
  const messages: FromWorker[] = [];
  const rests: number[] = [];
  let starts = 0;
  const made = new WorkerPool({
    concurrency,
    entry,
    clock: new SystemClock(),
    workerData: (index) => ({ index, tid: (starts += 1), ...script(index) }),
    onMessage: (_seat, message) => {
      messages.push(message);
      result.onMessage();
    },
    onLost: (seat, error) => lost.push(`${seat.name}: ${error.split('\n')[0]}`),
    rest: (ms) => {
      rests.push(ms);
      // The limit of `stop` never passes here; rests before a replacement pass at once.
      return ms >= 2000 ? new Promise(() => undefined) : Promise.resolve();
    },
  });
  const result: Fixture = { pool: made, lost, messages, rests, onMessage: () => undefined };
  pool = made;
  return result;
}

/** Until the condition holds; driven by the loop, bounded by the test's timeout. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test('start ends when all workers serve, and all bind what the first one bound', async () => {
  const { pool } = fixture(3);
  await pool.start();
  assert.equal(pool.serving, 3);
  assert.deepEqual(
    pool.seats.map((seat) => seat.listeners[0]?.port),
    [40_000, 40_000, 40_000],
  );
  assert.deepEqual(new Set(pool.seats.map((seat) => seat.tid)), new Set([1, 2, 3]));
});

test('requests reach each worker in order and resolve when all have answered', async () => {
  const { pool } = fixture(2);
  await pool.start();
  await pool.runOnAllThreads({ kind: 'report' });
  const sent = Array.from({ length: 500 }, (_, index) => `level ${index}`);
  const answers = sent.map((each) =>
    pool.runOnAllThreads({ kind: 'log-level', levels: { main: each.slice(6) } }),
  );
  const reports = (await pool.runOnAllThreads({ kind: 'report' })) as { index: number; told: string[] }[];
  await Promise.all(answers);
  assert.deepEqual(
    reports,
    [0, 1].map((index) => ({ index, told: [...sent, 'report'] })),
  );
});

test('a crashed worker is replaced while the others keep answering, and its pending requests count as lost', async () => {
  const { pool, lost } = fixture(2);
  await pool.start();
  const crashing = pool.seats[1]?.ask({ kind: 'log-level', levels: { main: 'crash' } });
  const other = await pool.seats[0]?.ask({ kind: 'report' });
  assert.equal((other as { index: number }).index, 0);
  assert.equal(await crashing, LOST);
  await until(() => pool.serving === 2);
  assert.equal(pool.restarts, 1);
  assert.deepEqual(lost, ['worker_1: Error: crash on demand']);
  assert.equal(pool.seats[1]?.tid, 3);
  assert.equal(pool.seats[1]?.listeners[0]?.port, 40_000);
});

test('rests before a replacement double while crashes follow quickly', async () => {
  const { pool, rests } = fixture(1);
  await pool.start();
  for (let crash = 1; crash <= 4; crash += 1) {
    await pool.seats[0]?.ask({ kind: 'log-level', levels: { main: 'crash' } });
    await until(() => pool.serving === 1);
  }
  assert.deepEqual(rests, [100, 200, 400, 800]);
});

test('a worker that cannot be built fails the start with its reason', async () => {
  const { pool } = fixture(2, (index) => (index === 1 ? { failStart: 'no such module' } : {}));
  await assert.rejects(pool.start(), /worker_1 failed to start: Error: no such module/);
});

test('an address in use fails the start with the address', async () => {
  const { pool } = fixture(2, () => ({ failListen: 'EADDRINUSE' }));
  await assert.rejects(pool.start(), /cannot listen on 127\.0\.0\.1:1: EADDRINUSE \(listener l\)/);
});

test('a descriptor handed to a worker that is gone goes back to its sender', async () => {
  const result = fixture(2);
  const { pool, messages } = result;
  await pool.start();
  void pool.seats[0]?.stop();
  pool.handOver(pool.seats[1] ?? assert.fail(), {
    kind: 'hand-over',
    listener: 'l',
    fd: 77,
    worker: 0,
    acceptedAt: 1,
  });
  await until(() => messages.length > 0);
  assert.deepEqual(messages, [{ kind: 'log-open', path: 'adopted 77 by 1' }]);
});

test('drain waits for all workers, and a worker lost while draining is not replaced', async () => {
  const { pool } = fixture(2);
  await pool.start();
  const crash = pool.seats[0]?.ask({ kind: 'log-level', levels: { main: 'crash' } });
  await pool.drain(1000);
  await crash;
  assert.equal(pool.restarts, 0);
});

test('a thread that is blocked for ever is ended by stop', async () => {
  const blocked = new WorkerPool({
    concurrency: 1,
    entry,
    clock: new SystemClock(),
    workerData: (index) => ({ index, tid: 1 }),
    onMessage: () => undefined,
    onLost: () => undefined,
    rest: () => Promise.resolve(),
  });
  await blocked.start();
  void blocked.runOnAllThreads({ kind: 'log-level', levels: { main: 'block' } });
  await blocked.stop();
  assert.equal(blocked.seats[0]?.state, 'stopped');
});
