/** A real dispatcher and real sockets for tests: one per test, on the interface asked for. */
import { after } from 'node:test';
import { SystemClock } from '../../src/base/clock.ts';
import { ConnectionIds } from '../../src/base/ids.ts';
import { TurnDispatcher } from '../../src/event/turn-dispatcher.ts';
import { ConnectionFactory } from '../../src/network/connection-factory.ts';
import type { StreamConnection } from '../../src/network/stream-connection.ts';
import type { AcceptedSocket, Address, ListenSocket } from '../../src/api/socket.ts';
import { probeSyscalls } from '../../src/os/probe.ts';
import { SyscallClock } from '../../src/os/syscall-clock.ts';

export type InterfaceKind = 'syscall' | 'portable';

const reason = probeSyscalls();
if (reason !== null) console.log(`system-call interface not tested: ${reason}`);
/** What this machine can run. */
export const INTERFACES: readonly InterfaceKind[] = reason === null ? ['syscall', 'portable'] : ['portable'];

export interface TestThread {
  readonly dispatcher: TurnDispatcher;
  readonly connections: ConnectionFactory;
}

const threads = new Map<InterfaceKind, TestThread>();
after(() => {
  for (const { dispatcher, connections } of threads.values()) {
    connections.stop();
    dispatcher.stop();
  }
});

/** One per kind and test process: a thread has one epoll, as a worker does. */
export function threadOf(kind: InterfaceKind): TestThread {
  let thread = threads.get(kind);
  if (thread === undefined) {
    const clock = kind === 'syscall' ? new SyscallClock() : new SystemClock();
    const dispatcher = new TurnDispatcher({ name: 'test', clock, tid: 1 });
    thread = {
      dispatcher,
      connections: new ConnectionFactory(dispatcher, kind, new ConnectionIds(new SharedArrayBuffer(4))),
    };
    threads.set(kind, thread);
  }
  return thread;
}

export const LOOPBACK: Address = { kind: 'ip', ip: '127.0.0.1', port: 0, family: 4 };

/** Listens and hands each accepted connection to `onConnection` before its filters start. */
export async function listen(
  kind: InterfaceKind,
  onConnection: (connection: StreamConnection) => void,
  address: Address = LOOPBACK,
  bufferLimit = 1024 * 1024,
): Promise<ListenSocket> {
  const { connections } = threadOf(kind);
  const socket = connections.sockets.listen(
    { address, backlog: 128, reusePort: false },
    (accepted: AcceptedSocket) => {
      const connection = connections.accept(accepted, bufferLimit);
      onConnection(connection);
      connection.startFilters();
    },
  );
  await socket.ready;
  return socket;
}

export function portOf(socket: ListenSocket): number {
  return socket.address.kind === 'ip' ? socket.address.port : 0;
}
