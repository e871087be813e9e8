import assert from 'node:assert/strict';
import { closeSync, openSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { test } from 'node:test';
import { SystemClock } from '../../src/base/clock.ts';
import { EpollSource, type TurnMemory } from '../../src/event/epoll-source.ts';
import { TurnDispatcher } from '../../src/event/turn-dispatcher.ts';
import { SocketCalls } from '../../src/os/socket-calls.ts';
import { INTERFACES } from '../support/thread.ts';

const ROOMY: TurnMemory = { roomy: true, crowded: false };

test(
  'a descriptor that the kernel refuses to watch is an answer, and its place in the table is free again',
  { skip: !INTERFACES.includes('syscall') },
  () => {
    const dispatcher = new TurnDispatcher({ name: 'test', clock: new SystemClock(), tid: 1 });
    const source = new EpollSource(dispatcher, ROOMY);
    const handler = {
      noteEvents: () => undefined,
      readAhead: () => undefined,
      handleEvents: () => undefined,
    };
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

/** Three sockets with a byte each: what is asked of whom, in one visit from libuv; `|` ends a turn. */
async function order(memory: TurnMemory, onHandle: (index: number, drop: (index: number) => void) => void) {
  const dispatcher = new TurnDispatcher({ name: 'test', clock: new SystemClock(), tid: 1 });
  const source = new EpollSource(dispatcher, memory);
  const sockets = new SocketCalls();
  const calls: string[] = [];
  const done = Promise.withResolvers<void>();
  dispatcher.onTurnEnd(() => {
    calls.push('|');
    done.resolve();
  });
  const pairs = [sockets.pair(), sockets.pair(), sockets.pair()];
  const tokens: number[] = [];
  const drop = (index: number): void => source.unwatch(pairs[index]?.[0] ?? -1, tokens[index] ?? -1);
  for (const [index, [near, far]] of pairs.entries()) {
    writeSync(far, 'x');
    tokens[index] = source.watch(near, {
      noteEvents: () => calls.push(`note ${index}`),
      readAhead: () => calls.push(`read ${index}`),
      handleEvents: () => {
        calls.push(`handle ${index}`);
        onHandle(index, drop);
      },
    });
  }
  await done.promise;
  for (const pair of pairs) for (const fd of pair) sockets.close(fd);
  source.stop();
  dispatcher.stop();
  return calls.join(', ');
}

const NOTES = 'note 0, note 1, note 2';
const SYSCALL = { skip: !INTERFACES.includes('syscall') };

test('all of a batch is noted, then all is read, then all is handled', SYSCALL, async () => {
  const calls = await order(ROOMY, () => undefined);
  assert.equal(calls, `${NOTES}, read 0, read 1, read 2, handle 0, handle 1, handle 2, |`);
});

test('a socket that a callback has closed is not handled, though it was read', SYSCALL, async () => {
  const calls = await order(ROOMY, (index, drop) => index === 0 && drop(2));
  assert.equal(calls, `${NOTES}, read 0, read 1, read 2, handle 0, handle 1, |`);
});

test('without room each is read when its turn comes', SYSCALL, async () => {
  const calls = await order({ roomy: false, crowded: false }, () => undefined);
  assert.equal(calls, `${NOTES}, read 0, handle 0, read 1, handle 1, read 2, handle 2, |`);
});

test('a turn does not end before what was read in it is handled', SYSCALL, async () => {
  let reads = 0;
  const memory = {
    get roomy() {
      reads += 1;
      return reads === 1;
    },
    crowded: true,
  };
  const calls = await order(memory, () => undefined);
  assert.equal(calls, `${NOTES}, read 0, read 1, handle 0, handle 1, |, read 2, handle 2, |, |`);
});
