/** Why a listening socket does not accept now: its owner's wish, and the rest after running out of descriptors. Both must be over. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ListenSocket } from '../../src/api/socket.ts';
import { SystemClock } from '../../src/base/clock.ts';
import { EpollSource } from '../../src/event/epoll-source.ts';
import { TurnDispatcher } from '../../src/event/turn-dispatcher.ts';
import { SyscallSockets } from '../../src/network/syscall-sockets.ts';
import { SyscallThread } from '../../src/network/syscall-thread.ts';
import { SocketCalls } from '../../src/os/socket-calls.ts';
import { INTERFACES, LOOPBACK, portOf } from '../support/thread.ts';

const { EMFILE, ENOSPC } = constants.errno;

class Resting {
  readonly listener: ListenSocket;
  readonly accepted = Promise.withResolvers<void>();
  /** Ends the rest, as its timer would. */
  endRest: () => void = () => assert.fail('no rest');

  /** A client waits in the queue and the process has no descriptor for it. */
  static async begin(t: TestContext): Promise<Resting> {
    const accept = t.mock.method(SocketCalls.prototype, 'accept', () => -EMFILE);
    const dispatcher = new TurnDispatcher({ name: 'test', clock: new SystemClock(), tid: 1 });
    const rested = Promise.withResolvers<() => void>();
    t.mock.method(dispatcher, 'createTimer', (callback: () => void) => ({
      enable: () => rested.resolve(callback),
    }));
    const thread = new SyscallThread(dispatcher);
    const resting = new Resting(thread);
    const client = connect({ port: portOf(resting.listener), host: '127.0.0.1' });
    t.after(() => {
      client.destroy();
      resting.listener.close();
      thread.source.stop();
      dispatcher.stop();
    });
    resting.endRest = await rested.promise;
    accept.mock.restore();
    return resting;
  }

  constructor(thread: SyscallThread) {
    this.listener = new SyscallSockets(thread).listen(
      { address: LOOPBACK, backlog: 16, reusePort: false },
      (socket) => {
        socket.discard();
        this.accepted.resolve();
      },
    );
  }
}

describe('a listening socket that rests', { skip: !INTERFACES.includes('syscall') }, () => {
  test('goes on accepting by itself', async (t) => {
    const resting = await Resting.begin(t);
    resting.endRest();
    await resting.accepted.promise;
  });

  test('stays off after the rest when its owner has paused it meanwhile', async (t) => {
    const resting = await Resting.begin(t);
    const watch = t.mock.method(EpollSource.prototype, 'watchListener');
    resting.listener.setAcceptInterest(false);
    resting.endRest();
    assert.equal(watch.mock.callCount(), 0);
    resting.listener.setAcceptInterest(true);
    await resting.accepted.promise;
  });

  test('is not woken by its owner before the rest is over', async (t) => {
    const resting = await Resting.begin(t);
    const watch = t.mock.method(EpollSource.prototype, 'watchListener');
    resting.listener.setAcceptInterest(false);
    resting.listener.setAcceptInterest(true);
    assert.equal(watch.mock.callCount(), 0);
    resting.endRest();
    await resting.accepted.promise;
  });

  test('that was closed meanwhile is not watched again', async (t) => {
    const resting = await Resting.begin(t);
    const watch = t.mock.method(EpollSource.prototype, 'watchListener');
    resting.listener.close();
    resting.endRest();
    assert.equal(watch.mock.callCount(), 0);
  });

  test('rests again when there is no room to watch it', async (t) => {
    const resting = await Resting.begin(t);
    const watch = t.mock.method(EpollSource.prototype, 'watchListener', () => -ENOSPC);
    resting.endRest();
    assert.equal(watch.mock.callCount(), 1);
    watch.mock.restore();
    resting.endRest();
    await resting.accepted.promise;
  });
});
