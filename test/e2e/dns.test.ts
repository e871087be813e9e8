/**
 * A STRICT_DNS cluster while its name changes: the requests of all workers follow, the last answer outlives its name server, and a name
 * without addresses has no healthy host.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { DnsServer } from '../support/dns-server.ts';
import { untilStat } from '../support/instrumented.ts';
import { eventually } from '../support/pattern.ts';
import { httpProxyTo, socketAddress, startProxy } from '../support/proxy.ts';
import type { Json, RunningProxy } from '../support/proxy.ts';
import { get, RawClient } from '../support/raw-client.ts';

const FIRST = '127.0.0.1';
const SECOND = '127.0.0.2';
const CLIENTS = 16;

let dns: DnsServer;
let proxy: RunningProxy | null = null;
let servers: Server[] = [];

/** Answers with the address that it was reached by. */
async function serve(host: string, port: number): Promise<number> {
  const server = createServer((request, response) => response.end(request.socket.localAddress));
  server.listen(port, host);
  await once(server, 'listening');
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

before(async () => {
  dns = await DnsServer.start();
  const port = await serve(FIRST, 0);
  await serve(SECOND, port);
  const named = { address: { socket_address: { address: 'service.test', port_value: port } } };
  const cluster = {
    type: 'STRICT_DNS',
    dns_lookup_family: 'V4_ONLY',
    dns_refresh_rate: '0.05s',
    dns_failure_refresh_rate: { base_interval: '0.05s', max_interval: '0.05s' },
    dns_resolution_config: { resolvers: [socketAddress(dns.port)] },
    load_assignment: { cluster_name: 'upstream', endpoints: [{ lb_endpoints: [{ endpoint: named }] }] },
  };
  dns.addresses = [FIRST];
  proxy = await startProxy({
    concurrency: 2,
    staticResources: httpProxyTo([], {
      cluster: cluster as { [key: string]: Json },
      format: '%RESPONSE_FLAGS%',
    }),
  });
});
after(async () => {
  dns.stop();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  servers = [];
  await proxy?.stop();
});

function running(): RunningProxy {
  assert.ok(proxy !== null);
  return proxy;
}

/** What clients on all workers are answered with, each answer once. */
async function answers(): Promise<string> {
  const all = await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = await RawClient.connect(running().port('http'));
      const { status, body } = await client.ask(get('/'));
      client.destroy();
      return status === 200 ? body : String(status);
    }),
  );
  return [...new Set(all)].toSorted().join(' ');
}

/** A question that was asked later than now has been answered, and its answer taken. */
async function untilAsked(): Promise<void> {
  const done = await running().stat('cluster.upstream.update_attempt');
  await untilStat(running(), 'cluster.upstream.update_attempt', done + 2);
}

test('traffic of all workers follows the name, and stays when nobody answers any more', async () => {
  assert.equal(await answers(), FIRST);
  dns.addresses = [SECOND];
  await eventually(answers, SECOND, 'the requests follow');
  assert.match(await running().admin('/clusters'), new RegExp(`^upstream::${SECOND}:\\d+::`, 'm'));
  assert.doesNotMatch(await running().admin('/clusters'), new RegExp(`^upstream::${FIRST}:`, 'm'));

  dns.addresses = [FIRST, SECOND];
  await eventually(answers, `${FIRST} ${SECOND}`, 'both are used');

  const failures = await running().stat('cluster.upstream.update_failure');
  dns.addresses = null;
  await untilStat(running(), 'cluster.upstream.update_failure', failures + 2);
  assert.equal(await answers(), `${FIRST} ${SECOND}`, 'the last answer is kept');

  dns.addresses = [];
  await eventually(answers, '503', 'no address is no host');
  dns.addresses = [FIRST];
  await eventually(answers, FIRST, 'and back');
});

test('names are asked for by the clock, not by requests', async () => {
  await untilAsked();
  const before = dns.questions;
  const begun = performance.now();
  for (let count = 0; count < 5; count += 1) await answers();
  // One question a refresh, and one more for the edges: far fewer than requests.
  assert.ok(dns.questions - before <= (performance.now() - begun) / 50 + 2);
});
