import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { bytesOf } from '../../src/buffer/bytes.ts';
import { ReadControl } from '../../src/network/read-control.ts';
import type { StreamConnection } from '../../src/network/stream-connection.ts';
import { INTERFACES, listen, portOf } from '../support/thread.ts';

describe('counted read-disable', () => {
  test('switches at the first disable and at the last enable', () => {
    const control = new ReadControl();
    const switched = [true, true, false, false].map((disable) => control.change(disable, 'flow', 0));
    assert.deepEqual(switched, [true, false, false, true]);
  });

  test('an enable without its disable is a broken invariant', () => {
    assert.throws(() => new ReadControl().change(false, 'flow', 0), /more often/);
  });

  test('after the release late calls of either kind have no effect', () => {
    const control = new ReadControl();
    control.change(true, 'flow', 0);
    control.change(true, 'codec', 0);
    let enabled = 0;
    control.release(0, () => (enabled += 1));
    assert.equal(enabled, 1);
    for (const disable of [false, true, false, false, true])
      assert.equal(control.change(disable, 'flow', 1), false);
    assert.equal(control.disabled, false);
    assert.equal(control.pauses.since, -1);
  });
});

test('a pause that the release ends is told like any other', () => {
  const control = new ReadControl();
  control.change(true, 'flow', 10);
  control.change(true, 'flow', 20);
  control.release(50, () => undefined);
  assert.deepEqual(control.pauses, {
    consecutive: 0,
    since: -1,
    resumedAt: 50,
    resumedAfter: 40,
    resumedCount: 2,
  });
  const codec = new ReadControl();
  codec.change(true, 'codec', 10);
  codec.release(50, () => undefined);
  assert.equal(codec.pauses.resumedAt, -1);
});

for (const kind of INTERFACES) {
  test(`an enable that comes while the ${kind} connection drains, or when it is closed, does no harm`, async () => {
    const states: string[] = [];
    const closed = Promise.withResolvers<string>();
    const late = (connection: StreamConnection): void => {
      states.push(connection.state);
      connection.readDisable(false);
      assert.equal(connection.readDisabled, false);
    };
    let draining: StreamConnection | undefined;
    const server = await listen(kind, (accepted) => {
      draining = accepted;
      accepted.addCallbacks({
        onEvent: (event) => {
          late(accepted);
          closed.resolve(event);
        },
        onAboveWriteBufferHighWatermark: () => undefined,
        onBelowWriteBufferLowWatermark: () => undefined,
      });
      accepted.readDisable(true);
      accepted.readDisable(true);
      accepted.write(bytesOf('bye'), false);
      accepted.close('flush-delayed');
    });
    const client = connect({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true });
    // The FIN shows that the connection drains.
    for await (const chunk of client) assert.equal(String(chunk), 'bye');
    assert.ok(draining);
    late(draining);
    client.end();
    assert.equal(await closed.promise, 'remote-close');
    assert.deepEqual(states, ['draining', 'closed']);
    server.close();
  });
}
