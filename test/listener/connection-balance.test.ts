import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AcceptedSocket } from '../../src/api/socket.ts';
import { ExactBalance } from '../../src/listener/connection-balance.ts';
import { ConnectionLimit } from '../../src/listener/connection-limit.ts';

function accepted(fd: number): AcceptedSocket {
  const address = { kind: 'ip', ip: '127.0.0.1', port: 1, family: 4 } as const;
  return { fd, localAddress: address, remoteAddress: address, acceptedAt: 0, discard: () => undefined };
}

describe('exact balance', () => {
  test('evens out whatever the kernel chose, with one owner for each descriptor', () => {
    const counts = new Int32Array(new SharedArrayBuffer(4 * 4));
    const owners = new Map<number, number>();
    const workers = [0, 1, 2, 3].map(
      (own) => new ExactBalance(counts, own, (worker, fd) => owners.set(fd, worker)),
    );
    for (let fd = 0; fd < 400; fd += 1) {
      // The kernel sends all connections to worker 1.
      if (workers[1]?.handOver(accepted(fd)) === false) owners.set(fd, 1);
    }
    assert.deepEqual([...counts], [100, 100, 100, 100]);
    assert.equal(owners.size, 400);
  });

  test('keeps a connection where it is when this worker is among the fewest', () => {
    const counts = new Int32Array(new SharedArrayBuffer(2 * 4));
    const balance = new ExactBalance(counts, 1, () => assert.fail('handed over'));
    assert.equal(balance.handOver(accepted(5)), false);
    balance.onClosed();
    assert.deepEqual([...counts], [0, 0]);
  });

  test('does nothing for a socket that has no descriptor', () => {
    const counts = new Int32Array(new SharedArrayBuffer(2 * 4));
    counts[1] = 10;
    assert.equal(new ExactBalance(counts, 1, () => assert.fail('handed over')).handOver(accepted(-1)), false);
  });
});

describe('a connection limit', () => {
  test('holds over all workers and counts nothing of its own when it refuses', () => {
    const cells = new Int32Array(new SharedArrayBuffer(2 * 4));
    const overflow = { inc: () => undefined, add: () => undefined, value: 0 };
    const [first, second] = [0, 1].map((own) => new ConnectionLimit(cells, own, 3, overflow));
    assert.ok(first && second);
    assert.deepEqual(
      [first.tryTake(), second.tryTake(), first.tryTake(), second.tryTake()],
      [true, true, true, false],
    );
    first.give();
    assert.equal(second.tryTake(), true);
    assert.deepEqual([...cells], [1, 2]);
  });
});
