import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { SystemClock } from '../../src/base/clock.ts';
import { TurnDispatcher } from '../../src/event/turn-dispatcher.ts';
import { PortableSockets } from '../../src/network/portable-sockets.ts';
import { LOOPBACK, portOf } from '../support/thread.ts';

test('a paused portable listening socket keeps as many connections as its backlog and closes the others', async () => {
  const dispatcher = new TurnDispatcher({ name: 'test', clock: new SystemClock(), tid: 1 });
  let taken = 0;
  const all = Promise.withResolvers<void>();
  const listener = new PortableSockets(dispatcher).listen(
    { address: LOOPBACK, backlog: 3, reusePort: false },
    (accepted) => {
      accepted.discard();
      taken += 1;
      if (taken === 4) all.resolve();
    },
  );
  await listener.ready;
  listener.setAcceptInterest(false);
  const closed: Socket[] = [];
  const clients: Socket[] = [];
  for (let count = 0; count < 5; count += 1) {
    const client = connect({ port: portOf(listener), host: '127.0.0.1' }).resume();
    client.on('error', () => undefined);
    client.on('close', () => closed.push(client));
    await once(client, 'connect');
    clients.push(client);
  }
  while (closed.length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(closed, clients.slice(3));
  assert.equal(taken, 0);
  listener.setAcceptInterest(true);
  assert.equal(taken, 3);
  const late = connect({ port: portOf(listener), host: '127.0.0.1' }).resume();
  await all.promise;
  late.destroy();
  listener.close();
  dispatcher.stop();
});
