/** What the kernel has no room to watch (`fs.epoll.max_user_watches`) ends alone: neither the worker nor other connections with it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { after, describe, test } from 'node:test';
import type { FilterChain } from '../../src/api/envoy.ts';
import type { ConnectionEvent } from '../../src/api/network.ts';
import { SystemClock } from '../../src/base/clock.ts';
import { ConnectionIds } from '../../src/base/ids.ts';
import { EpollSource } from '../../src/event/epoll-source.ts';
import { TurnDispatcher } from '../../src/event/turn-dispatcher.ts';
import { ConnectionLimit } from '../../src/listener/connection-limit.ts';
import { KERNEL_BALANCE } from '../../src/listener/connection-balance.ts';
import { WorkerListener } from '../../src/listener/worker-listener.ts';
import { ConnectionFactory } from '../../src/network/connection-factory.ts';
import { INTERFACES, LOOPBACK } from '../support/thread.ts';
import { MapStats } from '../upstream/fakes.ts';

describe('with no room for another watch', { skip: !INTERFACES.includes('syscall') }, () => {
  const dispatcher = new TurnDispatcher({ name: 'worker_0', clock: new SystemClock(), tid: 1 });
  const connections = new ConnectionFactory(
    dispatcher,
    'syscall',
    new ConnectionIds(new SharedArrayBuffer(4)),
  );
  after(() => {
    connections.stop();
    dispatcher.stop();
  });

  test('an accepted connection is closed and counted, gives its place back, and the next one is served', async ({
    mock,
  }) => {
    const watch = mock.method(EpollSource.prototype, 'watch', () => -constants.errno.ENOSPC);
    const stats = new MapStats();
    const cells = new Int32Array(new SharedArrayBuffer(4));
    const chain: FilterChain = { filters: [] };
    const listener = new WorkerListener({
      config: { name: 'tcp', filter_chains: [chain], enable_reuse_port: false },
      address: LOOPBACK,
      dispatcher,
      connections,
      filters: new Map([[chain, () => []]]),
      stats,
      workerName: 'worker_0',
      limits: [new ConnectionLimit(cells, 0, 10, stats.counter('overflow'))],
      balance: KERNEL_BALANCE,
      bufferLimitBytes: 0,
      backlog: 16,
    });
    await listener.start();
    const { address } = listener;
    assert.ok(address.kind === 'ip');
    const client = connect({ port: address.port, host: address.ip });
    client.resume();
    await once(client, 'close');
    assert.equal(stats.counter('downstream_cx_watch_failed').value, 1);
    assert.equal(cells[0], 0);
    assert.equal(listener.connectionCount, 0);
    assert.throws(() => fstatSync(Number(watch.mock.calls[0]?.arguments.at(0))), /EBADF/);

    watch.mock.restore();
    const next = connect({ port: address.port, host: address.ip });
    await once(next, 'connect');
    while (listener.connectionCount === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(cells[0], 1);
    next.destroy();
    listener.stopAccepting();
    listener.closeConnections();
  });

  test('a connect is a failure of this side, told later, and its descriptor is closed', async ({ mock }) => {
    const watch = mock.method(EpollSource.prototype, 'watch', () => -constants.errno.ENOSPC);
    const connection = connections.connect({
      to: { kind: 'ip', ip: '127.0.0.1', port: 9, family: 4 },
      bufferLimitBytes: 0,
    });
    assert.equal(connection.state, 'connecting');
    const { promise, resolve } = Promise.withResolvers<ConnectionEvent>();
    connection.addCallbacks({
      onEvent: resolve,
      onAboveWriteBufferHighWatermark: () => undefined,
      onBelowWriteBufferLowWatermark: () => undefined,
    });
    assert.equal(await promise, 'local-close');
    assert.equal(connection.closeReason, 'ENOSPC');
    assert.throws(() => fstatSync(Number(watch.mock.calls[0]?.arguments.at(0))), /EBADF/);
  });
});
