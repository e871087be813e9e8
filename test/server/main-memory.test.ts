/** When main collects: some time after work that left much, once. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { MainMemory } from '../../src/server/main-memory.ts';

const MIB = 1024 * 1024;

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());

class Main {
  held = 20 * MIB;
  collections = 0;
  readonly memory = new MainMemory(
    () => {
      this.collections += 1;
      this.held = 15 * MIB;
    },
    () => this.held,
  );

  /** A second later. */
  after(grown: number): number {
    this.held += grown;
    this.memory.onWork();
    mock.timers.tick(1000);
    return this.collections;
  }
}

test('what the start left is collected, and then only what came with other work', () => {
  const main = new Main();
  assert.equal(main.after(0), 1);
  assert.equal(main.after(MIB), 1);
  assert.equal(main.after(10 * MIB), 2);
  assert.equal(main.after(0), 2);
});

test('the end of the start is collected for, also when something else was before', () => {
  const main = new Main();
  assert.equal(main.after(0), 1);
  main.memory.onStarted();
  mock.timers.tick(1000);
  assert.equal(main.collections, 2);
});

test('it comes some time after the work, once for all that happens meanwhile', () => {
  const main = new Main();
  for (let scrape = 0; scrape < 5; scrape += 1) {
    main.held += 10 * MIB;
    main.memory.onWork();
    mock.timers.tick(199);
  }
  assert.equal(main.collections, 0);
  mock.timers.tick(5);
  assert.equal(main.collections, 1);
  mock.timers.tick(10_000);
  assert.equal(main.collections, 1);
});
