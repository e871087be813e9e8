import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { test } from 'node:test';
import { SystemClock } from '../../src/base/clock.ts';
import { EpollSource } from '../../src/event/epoll-source.ts';
import { TurnDispatcher } from '../../src/event/turn-dispatcher.ts';
import { SocketCalls } from '../../src/os/socket-calls.ts';
import { INTERFACES } from '../support/thread.ts';

test(
  'a descriptor that the kernel refuses to watch is an answer, and its place in the table is free again',
  { skip: !INTERFACES.includes('syscall') },
  () => {
    const dispatcher = new TurnDispatcher({ name: 'test', clock: new SystemClock(), tid: 1 });
    const source = new EpollSource(dispatcher);
    const handler = { noteEvents: () => undefined, handleEvents: () => undefined };
    // Epoll takes no regular file: the same call fails as with no room left.
    const file = openSync(import.meta.filename, 'r');
    assert.equal(source.watch(file, handler), -constants.errno.EPERM);
    assert.equal(source.watchListener(file, false, handler), -constants.errno.EPERM);
    closeSync(file);
    const sockets = new SocketCalls();
    const [left, right] = sockets.pair();
    const token = source.watch(left, handler);
    assert.ok(token >= 0);
    assert.equal(token & 0xf_ffff, 0, 'the first place');
    source.unwatch(left, token);
    for (const fd of [left, right]) sockets.close(fd);
    source.stop();
    dispatcher.stop();
  },
);
