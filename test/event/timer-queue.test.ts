import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { TimerQueue } from '../../src/event/timer-queue.ts';
import { FakeDispatcher } from '../support/fake-dispatcher.ts';

describe('the timers of a dispatcher', () => {
  test('fire in order of their deadlines, not of their making', () => {
    const dispatcher = new FakeDispatcher();
    const fired: number[] = [];
    for (const ms of [30, 10, 20, 10]) dispatcher.createTimer(() => fired.push(ms)).enable(ms);
    dispatcher.advance(15);
    assert.deepEqual(fired, [10, 10]);
    dispatcher.advance(100);
    assert.deepEqual(fired, [10, 10, 20, 30]);
  });

  test('a timer re-armed again and again never fires early', () => {
    const dispatcher = new FakeDispatcher();
    let fired = 0;
    const timer = dispatcher.createTimer(() => (fired += 1));
    for (let step = 0; step < 100; step += 1) {
      timer.enable(1000);
      dispatcher.advance(999);
    }
    assert.equal(fired, 0);
    assert.equal(timer.enabled, true);
    dispatcher.advance(1);
    assert.equal(fired, 1);
    assert.equal(timer.enabled, false);
  });

  test('a callback may disarm another timer that is due in the same run', () => {
    const dispatcher = new FakeDispatcher();
    const second = dispatcher.createTimer(() => assert.fail('was disarmed'));
    dispatcher.createTimer(() => second.disable()).enable(5);
    second.enable(5);
    dispatcher.advance(10);
  });

  test('a callback may arm its own timer again for now without holding the turn', () => {
    const dispatcher = new FakeDispatcher();
    let fired = 0;
    const timer = dispatcher.createTimer(() => {
      fired += 1;
      if (fired < 3) timer.enable(0);
    });
    timer.enable(0);
    dispatcher.advance(1);
    assert.equal(fired, 3);
  });

  test('any arming and disarming fires exactly what is armed and due', () => {
    const action = fc.record({ timer: fc.nat(7), ms: fc.integer({ min: -1, max: 90 }), wait: fc.nat(50) });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const dispatcher = new FakeDispatcher();
        const deadlines = new Map<number, number>();
        const timers = Array.from({ length: 8 }, (_, index) =>
          dispatcher.createTimer(() => {
            assert.ok((deadlines.get(index) ?? Infinity) <= dispatcher.clock.now(), 'not early');
            deadlines.delete(index);
          }),
        );
        for (const { timer, ms, wait } of actions) {
          if (ms < 0) {
            timers[timer]?.disable();
            deadlines.delete(timer);
          } else {
            timers[timer]?.enable(ms);
            deadlines.set(timer, dispatcher.clock.now() + ms);
          }
          dispatcher.advance(wait);
          for (const deadline of deadlines.values()) assert.ok(deadline > dispatcher.clock.now(), 'not late');
        }
      }),
    );
  });
});

test('a timer of years wakes the thread as late as the runtime can, not at once and again and again', () => {
  const wakes: number[] = [];
  const queue = new TimerQueue({ now: () => 0, recent: () => 0, wallOffset: () => 0 }, (ms) =>
    wakes.push(ms),
  );
  queue.create(() => assert.fail('not in our time')).enable(1e13);
  assert.deepEqual(wakes, [2 ** 31 - 1]);
});
