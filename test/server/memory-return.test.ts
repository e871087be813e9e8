import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryReturn } from '../../src/server/memory-return.ts';
import { FakeDispatcher } from '../support/fake-dispatcher.ts';

class Worker {
  readonly dispatcher = new FakeDispatcher();
  connectionCount = 0;
  hasServed = false;
  collections = 0;
  /** Of the last one. */
  what = '';

  constructor() {
    const memory = new MemoryReturn(this.dispatcher, this, (what) => {
      this.collections += 1;
      this.what = what;
    });
    memory.start();
  }

  /** Seconds with so many turns each. */
  pass(seconds: number, turns = 10): number {
    for (let second = 0; second < seconds; second += 1) {
      this.dispatcher.turn += turns;
      this.dispatcher.advance(1000);
    }
    return this.collections;
  }

  set connections(count: number) {
    this.connectionCount = count;
    this.hasServed ||= count > 0;
  }
}

describe('a collection after a drop of connections', () => {
  test('comes once, when the worker has become quiet', () => {
    const worker = new Worker();
    worker.connections = 4000;
    assert.equal(worker.pass(10), 0);
    worker.connections = 10;
    assert.equal(worker.pass(10, 5000), 0, 'busy with others');
    assert.equal(worker.pass(2), 0);
    assert.equal(worker.pass(1), 1);
    assert.equal(worker.pass(60), 1);
  });

  test('comes again after the next drop', () => {
    const worker = new Worker();
    for (let round = 1; round <= 3; round += 1) {
      worker.connections = 2000;
      worker.pass(1, 5000);
      worker.connections = 0;
      assert.equal(worker.pass(5), round);
    }
  });

  test('is not worth its pause for a few connections, or when most of them stay', () => {
    const worker = new Worker();
    const start = worker.pass(5);
    worker.connections = 900;
    worker.pass(5);
    worker.connections = 0;
    assert.equal(worker.pass(10), start);
    worker.connections = 10_000;
    worker.pass(5);
    worker.connections = 6000;
    assert.equal(worker.pass(10), start);
  });
});

describe('a collection after the start', () => {
  test('comes once, as soon as the worker is quiet', () => {
    const worker = new Worker();
    assert.equal(worker.pass(10, 5000), 0, 'busy');
    assert.equal(worker.pass(2), 0);
    assert.equal(worker.pass(1), 1);
    assert.equal(worker.what, 'everything');
    assert.equal(worker.pass(60), 1);
  });

  test('waits while there are many connections, and is then that of their drop', () => {
    const worker = new Worker();
    worker.connections = 4000;
    assert.equal(worker.pass(10), 0);
    worker.connections = 0;
    assert.equal(worker.pass(60), 1);
    assert.equal(worker.what, 'garbage');
  });

  test('does not come once there was a connection: compiled code would go with it', () => {
    const worker = new Worker();
    worker.connections = 1;
    worker.connections = 0;
    assert.equal(worker.pass(60), 0);
  });
});
