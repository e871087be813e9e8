/** The networks of `topology`: their addresses, their end, and the delay of the link. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { nowUs } from '../../bench/harness/open-loop-alarm.ts';
import { DelayRelay } from '../../bench/topology/delay-relay.ts';
import {
  NamespaceNetwork,
  namespaceNames,
  namespaceOf,
  removeLeftovers,
  whyNoNamespaces,
} from '../../bench/topology/namespaces.ts';
import { openNetwork } from '../../bench/topology/network.ts';
import { delay } from '../../src/base/clock.ts';

const reason = whyNoNamespaces();
const needsNamespaces = reason === null ? {} : { skip: `no network namespaces: ${reason}` };
const quiet = (): void => undefined;

/** Of this process: others may be running benchmarks. */
function ownNamespaces(): string[] {
  return namespaceNames().filter((name) => name.startsWith(`npb-${process.pid}-`));
}

test('every pod of the loopback has an address of its own, and every port is another', async () => {
  const { clients, servers, nodes, ports, nodeListens } = await openNetwork({
    kind: 'loopback',
    pods: 4,
    note: quiet,
  });
  const standIns = servers.map(({ nodeAddress }) => nodeAddress);
  const addresses = [...clients, ...servers, ...nodes].map(({ address }) => address).concat(standIns);
  assert.equal(new Set(addresses).size, 4 * 3 + 2);
  assert.ok(addresses.every((address) => address.startsWith('127.')));
  assert.deepEqual(nodeListens, standIns);
  const all = [ports.service, ports.outbound, ports.inbound, ...ports.relay];
  assert.equal(new Set(all).size, 3 + 12);
});

test('a network of namespaces is gone after a throw', needsNamespaces, async () => {
  let names: string[] = [];
  await assert.rejects(async () => {
    const network = await openNetwork({ kind: 'namespaces', pods: 2, note: quiet });
    try {
      names = ownNamespaces();
      throw new Error('in the middle of a run');
    } finally {
      network.close();
    }
  }, /in the middle of a run/);
  assert.equal(names.length, 6);
  assert.deepEqual(ownNamespaces(), []);
  const interfaces = execFileSync('ip', ['-br', 'link'], { encoding: 'utf8' });
  assert.doesNotMatch(interfaces, /^(?:wire|br0|p\d)\b/m, 'none of its interfaces was outside of it');
});

test('what still runs in a namespace ends with it', needsNamespaces, async () => {
  const network = NamespaceNetwork.open(1, quiet);
  const [pod] = network.clients;
  assert.ok(pod !== undefined);
  const child = spawn('ip', [...pod.command.slice(1), 'sleep', '100'], { stdio: 'ignore' });
  while (execFileSync('ip', ['netns', 'pids', namespaceOf(pod)], { encoding: 'utf8' }).trim() === '')
    await delay(5);
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  network.close();
  const [, signal] = await exited;
  assert.equal(signal, 'SIGKILL');
  assert.deepEqual(ownNamespaces(), []);
});

test('pods of both nodes reach each other, and come from their own addresses', needsNamespaces, async () => {
  const network = NamespaceNetwork.open(1, quiet);
  try {
    const [client] = network.clients;
    const [server] = network.servers;
    assert.ok(client !== undefined && server !== undefined);
    const listen = `require('net').createServer((s) => s.end(s.remoteAddress)).listen(8080, '${server.address}', () => console.log('up'))`;
    const child = spawn('ip', [...server.command.slice(1), process.execPath, '-e', listen], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const ask = `require('net').connect(8080, '${server.address}').pipe(process.stdout)`;
    const asked = execFileSync('ip', [...client.command.slice(1), process.execPath, '-e', ask]);
    assert.equal(asked.toString(), client.address);
  } finally {
    network.close();
  }
});

test(
  'namespaces of a run that was killed are removed, those of a living one are not',
  needsNamespaces,
  () => {
    const living = NamespaceNetwork.open(1, quiet);
    // Process 1 lives, but did not start then: it only has the id of the one that made this.
    const dead = ['npb-1-1-1-c1', `npb-${2 ** 22 + 7}-5-1-n2`];
    try {
      for (const name of dead) execFileSync('ip', ['netns', 'add', name]);
      const removed = removeLeftovers();
      for (const name of dead) assert.ok(removed.includes(name));
      assert.ok(!namespaceNames().some((name) => dead.includes(name)));
      assert.equal(ownNamespaces().length, 4);
    } finally {
      living.close();
    }
  },
);

test(
  'a benchmark that is killed leaves namespaces, and the next one finds them',
  needsNamespaces,
  async () => {
    const module = new URL('../../bench/topology/namespaces.ts', import.meta.url).href;
    const code = `const { NamespaceNetwork } = await import('${module}'); NamespaceNetwork.open(1, () => undefined); console.log('made'); setInterval(() => undefined, 1000);`;
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const left = namespaceNames().filter((name) => name.startsWith(`npb-${child.pid}-`));
    assert.equal(left.length, 4);
    child.kill('SIGKILL');
    await once(child, 'exit');
    removeLeftovers();
    assert.deepEqual(
      namespaceNames().filter((name) => left.includes(name)),
      [],
    );
  },
);

async function relayed(
  delayMs: number,
  onConnection: (socket: Socket) => void,
  run: (socket: Socket) => Promise<void>,
): Promise<void> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target = { address: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const relay = await DelayRelay.listen(delayMs, [{ listen: { address: '127.0.0.1', port: 0 }, target }]);
  const socket = connect({
    port: relay.ports[0] ?? 0,
    host: '127.0.0.1',
    noDelay: true,
    allowHalfOpen: true,
  });
  try {
    await once(socket, 'connect');
    await run(socket);
  } finally {
    socket.destroy();
    await relay.close();
    server.close();
  }
}

test('a link of 20 ms takes 20 ms each way: nothing comes before, and it comes within a millisecond', async () => {
  const arrivals: number[] = [];
  await relayed(
    20,
    (socket) => {
      socket.on('data', (bytes) => {
        arrivals.push(nowUs());
        socket.write(bytes);
      });
    },
    async (socket) => {
      const [oneWay, bothWays]: [number[], number[]] = [[], []];
      for (let count = 0; count < 30; count += 1) {
        const sent = nowUs();
        socket.write('x');
        await once(socket, 'data');
        bothWays.push(nowUs() - sent);
        oneWay.push((arrivals.at(-1) ?? 0) - sent);
      }
      // The best of many: on a busy machine any single one may be late, none may be early.
      const least = Math.min(...oneWay);
      assert.ok(least >= 20_000, `${least} µs: none is early`);
      assert.ok(least <= 21_000, `${least} µs: 20 ms to within one`);
      assert.ok(Math.min(...bothWays) >= 40_000);
    },
  );
});

test('bytes on a slow link keep their order and their end, and a stream is not one delay for each piece', async () => {
  const pieces = Array.from({ length: 200 }, (_, index) => `${index},`);
  await relayed(
    10,
    (socket) => socket.pipe(socket),
    async (socket) => {
      let text = '';
      socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      const began = nowUs();
      for (const piece of pieces) socket.write(piece);
      socket.end();
      await once(socket, 'end');
      assert.equal(text, pieces.join(''));
      assert.ok(nowUs() - began < 200 * 10_000, 'they are under way together');
    },
  );
});

test('more bytes than a link holds pass it whole', async () => {
  const bytes = 12 * 1024 * 1024;
  let received = 0;
  await relayed(
    5,
    (socket) => socket.on('data', (chunk) => (received += chunk.length)).on('end', () => socket.end('done')),
    async (socket) => {
      socket.end(Buffer.alloc(bytes, 'x'));
      const [answer] = (await once(socket, 'data')) as [Buffer];
      assert.equal(answer.toString(), 'done');
      assert.equal(received, bytes);
    },
  );
});
