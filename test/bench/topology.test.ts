/** A fleet on the loopback: every front with every other, and what one pod's policy does to the others. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { coresOf } from '../../bench/harness/set-up.ts';
import { percentilesOf } from '../../bench/harness/open-loop.ts';
import { Fleet } from '../../bench/topology/fleet.ts';
import type { Way } from '../../bench/topology/fleet.ts';
import { idPrefix } from '../../bench/topology/ids.ts';
import { isRight } from '../../bench/topology/matrix-section.ts';
import { measureCell } from '../../bench/topology/matrix.ts';
import { openNetwork } from '../../bench/topology/network.ts';
import { FRONTS } from '../../bench/topology/proxy-config.ts';
import { runOpen } from '../../bench/topology/loads.ts';
import { linkSlow } from '../../bench/topology/slow-requests.ts';
import { delay } from '../../src/base/clock.ts';

const REFUSED: Way = { client: 'nodeproxy', server: 'plain' };
const NODES: Way = { client: 'nodeproxy', server: 'nodeproxy' };
const signal = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), 'topology-test-'));
let fleet: Fleet;

before(async () => {
  const { all } = coresOf();
  const network = await openNetwork({ kind: 'loopback', pods: 2, note: () => undefined });
  fleet = await Fleet.start({
    network,
    folder,
    service: 'demo',
    concurrency: 1,
    linkDelayMs: 0,
    proxyCores: all,
    otherCores: all,
    signal,
  });
});
after(async () => {
  await fleet.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('every front passes requests to every other, counted and logged for the right pod', async (context) => {
  for (const client of FRONTS) {
    for (const server of FRONTS) {
      await context.test(`${client} to ${server}`, async () => {
        const cell = await measureCell(fleet, { client, server }, signal);
        assert.equal(cell.failed, 0);
        assert.deepEqual(
          cell.outbound.map(({ requests }) => requests),
          client === 'plain' ? [] : [60, 72],
        );
        assert.deepEqual(
          cell.inbound.map(({ requests }) => requests),
          server === 'plain' ? [] : [60, 72],
        );
        for (const count of [...cell.outbound, ...cell.inbound])
          assert.ok(isRight(count), JSON.stringify(count));
        assert.equal(cell.copied.outbound === null, client === 'plain');
        for (const copied of [cell.copied.outbound, cell.copied.inbound]) {
          if (copied === null) continue;
          // A request and an answer are read and written once each: some hundreds of bytes, and no copy of a copy.
          assert.ok(copied.read > 100 && copied.read < 2000, `${copied.read} bytes read`);
          assert.ok(copied.written > 100 && copied.written < 2000, `${copied.written} bytes written`);
        }
      });
    }
  }
});

test('a line in a pod’s log is of that pod: its address, its route and nobody else’s', () => {
  const { clients } = fleet.network;
  const { node } = fleet.side(1);
  for (const [index, chain] of node.chains.entries()) {
    const lines = readFileSync(chain.logFile, 'utf8').trim().split('\n');
    assert.ok(lines.length > 0);
    for (const line of lines) {
      assert.ok(line.includes(` ${clients[index]?.address}:`), line);
      assert.ok(line.includes(` outbound_${chain.pod}:`), line);
    }
  }
});

test('slow requests are found again in the logs of both proxies, with ledgers that fit into their latency', async () => {
  const prefixes = [idPrefix(), idPrefix()];
  const load = { rate: 100, seconds: 0.5, closedSeconds: 0, connections: 4, keepAlive: true };
  const { reports } = await runOpen(fleet, NODES, load, (pod) => prefixes[pod] ?? '', signal);
  const { p50 } = percentilesOf(reports.map(({ latencies }) => latencies));
  const slow = await linkSlow(fleet, {
    contender: 'nodeproxy',
    way: NODES,
    round: 0,
    reports,
    prefixes,
    p50,
  });
  assert.ok(slow.length >= 10);
  assert.deepEqual(
    slow.map(({ latencyUs }) => latencyUs),
    slow.map(({ latencyUs }) => latencyUs).toSorted((a, b) => b - a),
  );
  for (const { id, hops, latencyUs, lagUs } of slow) {
    assert.deepEqual(
      hops.map((hop) => hop?.proxy),
      ['node-1', 'node-2'],
    );
    for (const hop of hops) {
      assert.ok(hop?.line.includes(id));
      assert.equal(
        hop?.ledger.reduce((sum, { us }) => sum + us, 0),
        hop?.totalUs,
      );
    }
    // Its last byte may be on its way to the client while the proxy still writes its line.
    assert.ok((hops[0]?.totalUs ?? 0) <= latencyUs - lagUs + 50_000);
  }
});

test('one pod’s policy does not touch another’s, on the same node proxy', async () => {
  const network = await openNetwork({ kind: 'loopback', pods: 2, note: () => undefined });
  const own = mkdtempSync(join(tmpdir(), 'topology-policy-'));
  const { all } = coresOf();
  const policies = new Map([
    ['c1', { refuse: 403 }],
    ['s2', { timeout: '0.1s' }],
  ]);
  const guarded = await Fleet.start({
    network,
    folder: own,
    service: 'demo',
    concurrency: 1,
    linkDelayMs: 0,
    proxyCores: all,
    otherCores: all,
    policies,
    signal,
  });
  try {
    const node = guarded.side(1).node;
    assert.deepEqual(await ask(guarded, REFUSED, 0, '/'), { status: 403, body: 'not for c1\n' });
    assert.equal((await ask(guarded, REFUSED, 1, '/')).status, 200);
    // The same destination as the refused pod's: it is the pod that is refused, not where it wants to go.
    assert.equal((await ask(guarded, REFUSED, 1, '/', 0)).status, 200);
    assert.equal((await ask(guarded, { client: 'sidecar', server: 'plain' }, 0, '/')).status, 403);

    const slow = '/slow?delay=400';
    assert.equal((await ask(guarded, NODES, 1, slow, 1)).status, 504, 's2 has a timeout');
    assert.equal((await ask(guarded, NODES, 1, slow, 0)).status, 200, 's1 has not');

    await delay(20);
    const stats = await node.stats();
    assert.equal(stats.get('http.outbound_c1.downstream_rq_4xx'), 1);
    assert.equal(stats.get('http.outbound_c1.downstream_rq_total'), 1);
    assert.equal(stats.get('http.outbound_c2.downstream_rq_4xx') ?? 0, 0);
    assert.equal(stats.get('http.outbound_c2.downstream_rq_total'), 4);
    const inbound = await guarded.side(2).node.stats();
    assert.equal(inbound.get('http.inbound_s2.downstream_rq_5xx'), 1);
    assert.equal(inbound.get('http.inbound_s1.downstream_rq_5xx') ?? 0, 0);
  } finally {
    await guarded.stop();
    rmSync(own, { recursive: true, force: true });
  }
});

/** From the pod's own address; `server`: the server pod to ask for, that of the same number by default. */
async function ask(
  asked: Fleet,
  way: Way,
  pod: number,
  path: string,
  server = pod,
): Promise<{ status: number | undefined; body: string }> {
  const { address, port } = asked.targetOf(way, pod);
  const { host } = asked.targetOf(way, server);
  const localAddress = asked.sourceOf(pod).from ?? '';
  const sent = request({ host: address, port, localAddress, path, headers: { host }, agent: false }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, body: await text(answer) };
}
