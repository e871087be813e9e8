import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TurnDispatcher } from '../../src/event/turn-dispatcher.ts';
import { FakeClock } from '../support/fake-clock.ts';

function dispatcher(): TurnDispatcher {
  return new TurnDispatcher({ name: 'worker_0', clock: new FakeClock(), tid: 1 });
}

describe('a turn', () => {
  test('runs callbacks, then posts, then flushes, then hooks, then deletions', () => {
    const turns = dispatcher();
    const order: string[] = [];
    turns.onTurnEnd(() => order.push('hook'));
    turns.run(() => {
      turns.deferredDelete({ dispose: () => order.push('delete') });
      turns.scheduleFlush({ flush: () => order.push('flush'), afterFlush: () => order.push('after') });
      turns.post(() => order.push('post'));
      order.push('callback');
    });
    assert.deepEqual(order, ['callback', 'post', 'flush', 'after', 'hook', 'delete']);
  });

  test('a task that posts itself waits for the next turn', async () => {
    const turns = dispatcher();
    let runs = 0;
    const done = Promise.withResolvers<void>();
    const task = (): void => {
      runs += 1;
      if (runs < 3) turns.post(task);
      else done.resolve();
    };
    turns.run(() => turns.post(task));
    assert.equal(runs, 1);
    await done.promise;
    assert.equal(turns.turn >= 3, true);
  });

  test('all flush before one acts on what came of it, which may schedule another flush of the turn', () => {
    const turns = dispatcher();
    const order: number[] = [];
    turns.run(() => {
      turns.scheduleFlush({
        flush: () => order.push(1),
        afterFlush: () => {
          turns.scheduleFlush({ flush: () => order.push(3), afterFlush: () => order.push(4) });
        },
      });
      turns.scheduleFlush({ flush: () => order.push(2), afterFlush: () => undefined });
    });
    assert.deepEqual(order, [1, 2, 3, 4]);
  });

  test('100,000 posts all run, once, in order', async () => {
    const turns = dispatcher();
    let next = 0;
    const done = Promise.withResolvers<void>();
    for (let index = 0; index < 100_000; index += 1) {
      turns.post(() => {
        assert.equal(next, index);
        next += 1;
        if (next === 100_000) done.resolve();
      });
    }
    assert.equal(next, 0, 'never synchronously');
    await done.promise;
  });

  test('work scheduled outside a turn gets one of its own', async () => {
    const turns = dispatcher();
    const flushed = Promise.withResolvers<void>();
    turns.scheduleFlush({ flush: flushed.resolve, afterFlush: () => undefined });
    await flushed.promise;
    assert.equal(turns.turn, 1);
  });

  test('a flush that a deletion asks for does not wait for the next event', async () => {
    const turns = dispatcher();
    const flushed = Promise.withResolvers<void>();
    turns.run(() => {
      turns.deferredDelete({
        dispose: () => turns.scheduleFlush({ flush: flushed.resolve, afterFlush: () => undefined }),
      });
    });
    await flushed.promise;
    assert.equal(turns.turn, 2);
  });
});
