/** `transparent`: what the kernel then says of the listening socket, and how it is refused where it is not permitted. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Address, ListenSocket } from '../../src/api/socket.ts';
import { IPPROTO_IP, IP_TRANSPARENT } from '../../src/os/constants.ts';
import { SocketCalls } from '../../src/os/socket-calls.ts';
import { INTERFACES, LOOPBACK, threadOf } from '../support/thread.ts';

const EPERM = 1;
/** Of no machine: RFC 5737 reserves it for documents. */
const FOREIGN: Address = { kind: 'ip', ip: '192.0.2.1', port: 0, family: 4 };
const options = { address: LOOPBACK, backlog: 16, reusePort: false, transparent: true };

function mayBind(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  return spawnSync('capsh', ['--has-p=cap_net_admin']).status === 1 ? 'needs CAP_NET_ADMIN' : false;
}

function listen(t: TestContext, address: Address, transparent: boolean): ListenSocket {
  const { sockets } = threadOf('syscall').connections;
  const socket = sockets.listen({ ...options, address, transparent }, (accepted) => accepted.discard());
  t.after(() => socket.close());
  return socket;
}

describe('a transparent listener', { skip: !INTERFACES.includes('syscall') }, () => {
  test('may have an address that the machine has not', { skip: mayBind() }, (t) => {
    assert.throws(() => listen(t, FOREIGN, false), /EADDRNOTAVAIL/);
    const { address } = listen(t, FOREIGN, true);
    assert.equal(address.kind === 'ip' && address.ip, '192.0.2.1');
  });

  test('is refused with the reason where it is not permitted, and leaves no descriptor', (t) => {
    // The thread has its own descriptors then.
    listen(t, LOOPBACK, false);
    const open = (): string[] => readdirSync('/proc/self/fd');
    const before = open();
    t.mock.method(SocketCalls.prototype, 'setOption', (_fd: number, level: number, name: number) =>
      level === IPPROTO_IP && name === IP_TRANSPARENT ? -EPERM : 0,
    );
    assert.throws(() => listen(t, LOOPBACK, true), /transparent needs CAP_NET_ADMIN .*: EPERM/);
    assert.deepEqual(open(), before);
  });
});

test('the portable interface refuses to be transparent', async () => {
  const socket = threadOf('portable').connections.sockets.listen(options, (accepted) => accepted.discard());
  await assert.rejects(socket.ready, /transparent is not possible on the portable socket interface/);
});
