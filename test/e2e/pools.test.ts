/**
 * Pools through the whole proxy: limits of a cluster live, retries over two hosts, the pairing of answers under churn, and what
 * `/pools` and the ids of the log tell of it.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Socket } from 'node:net';
import { startRawService } from '../support/lab-server.ts';
import type { RawExchange, RawService } from '../support/lab-server.ts';
import { LONG_FORMAT, parseLong } from '../support/instrumented.ts';
import { eventually } from '../support/pattern.ts';
import { cluster, httpProxyTo, startProxy } from '../support/proxy.ts';
import type { HttpOptions, Json, RunningProxy } from '../support/proxy.ts';
import { get, headerOf, post, RawClient } from '../support/raw-client.ts';

const HELLO = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello world\n';

let answer: (exchange: RawExchange) => void = () => undefined;
let upstreams: RawService[] = [];
let proxy: RunningProxy | null = null;

beforeEach(async () => {
  upstreams = [await startRawService((exchange) => answer(exchange))];
});
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
  for (const upstream of upstreams) await upstream.stop();
});

async function start(options: HttpOptions & { readonly concurrency?: number } = {}): Promise<RunningProxy> {
  const ports = upstreams.map(({ port }) => port);
  const { concurrency = 1, ...more } = options;
  proxy = await startProxy({ concurrency, staticResources: httpProxyTo(ports, more) });
  return proxy;
}

async function clients(running: RunningProxy, count: number): Promise<RawClient[]> {
  return Promise.all(Array.from({ length: count }, () => RawClient.connect(running.port('http'))));
}

test('two connections and a line of three: of ten requests two run, three wait, five are 503 UO at once', async () => {
  const waiting: Socket[] = [];
  answer = ({ socket }) => void waiting.push(socket);
  const thresholds = [{ max_connections: 2, max_pending_requests: 3 }];
  const running = await start({
    format: '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%',
    cluster: { circuit_breakers: { thresholds } },
  });
  const all = await clients(running, 10);
  // Whoever waits for a connect stands in the line too, as in Envoy: the connections are up before the others come.
  for (const client of all.slice(0, 2)) client.write(get('/'));
  await eventually(() => Promise.resolve(waiting.length), 2, 'two reach the upstream');
  for (const client of all.slice(2)) client.write(get('/'));
  // The five that find no place have their answer while nobody else has one.
  const lines = await running.logLines(5);
  assert.deepEqual(new Set(lines), new Set(['503 UO upstream_reset_before_response_started{overflow}']));
  assert.equal((await running.logLines(5)).length, 5);
  assert.equal(await running.stat('cluster.upstream.upstream_rq_active'), 2);
  assert.equal(await running.stat('cluster.upstream.upstream_rq_pending_active'), 3);
  assert.equal(await running.stat('cluster.upstream.upstream_rq_pending_overflow'), 5);
  assert.equal(upstreams[0]?.connections, 2);
  answer = ({ socket }) => void socket.write(HELLO);
  for (const socket of waiting) socket.write(HELLO);
  const statuses = await Promise.all(all.map(async (client) => (await client.response()).status));
  assert.equal(statuses.filter((status) => status === 200).length, 5);
  assert.equal(statuses.filter((status) => status === 503).length, 5);
  assert.equal(upstreams[0]?.connections, 2);
  for (const client of all) client.destroy();
});

describe('one of two hosts breaks every request off', () => {
  const REQUESTS = 200;

  async function ask(
    request: string,
    retryOn: string,
  ): Promise<{ good: number; retries: number; broken: number; running: RunningProxy }> {
    let broken = 0;
    answer = ({ socket }) => void socket.write(HELLO);
    const bad = await startRawService(({ socket }) => {
      broken += 1;
      socket.resetAndDestroy();
    });
    upstreams.push(bad);
    const policy = {
      retry_on: retryOn,
      num_retries: 3,
      retry_back_off: { base_interval: '0.001s' },
      retry_host_predicate: [{ name: 'envoy.retry_host_predicates.previous_hosts' }],
      host_selection_retry_max_attempts: 5,
    };
    const running = await start({ route: { retry_policy: policy }, format: '%RESPONSE_CODE%' });
    const [client] = await clients(running, 1);
    let good = 0;
    for (let count = 0; count < REQUESTS; count += 1)
      if ((await client?.ask(request))?.status === 200) good += 1;
    client?.destroy();
    return { good, retries: await running.stat('cluster.upstream.upstream_rq_retry'), broken, running };
  }

  test('with retries all requests succeed, each break counted as one retry', async () => {
    const { good, retries, broken, running } = await ask(get('/'), 'reset');
    assert.equal(good, REQUESTS);
    assert.ok(broken >= REQUESTS / 4, `${broken} met the broken host`);
    assert.equal(retries, broken);
    assert.equal(await running.stat('cluster.upstream.upstream_rq_retry_success'), broken);
  });

  test('where only failed connects are retried, a request that reached the host is not sent twice', async () => {
    const { good, retries, broken } = await ask(post('/', 'once'), 'connect-failure');
    assert.equal(retries, 0);
    assert.equal(good, REQUESTS - broken);
  });
});

test('ten thousand answers over closing connections reach the requests that they belong to', async () => {
  const each = 250;
  answer = ({ socket, head, number }) => {
    const nonce = headerOf(head, 'x-nonce') ?? 'none';
    const last = number % 7 === 0;
    const text = `HTTP/1.1 200 OK\r\n${last ? 'connection: close\r\n' : ''}content-length: ${nonce.length}\r\n\r\n${nonce}`;
    if (last) socket.end(text);
    else socket.write(text);
  };
  const thresholds = [{ max_connections: 8, max_pending_requests: 64 }];
  const running = await start({ concurrency: 2, cluster: { circuit_breakers: { thresholds } } });
  const all = await clients(running, 40);
  const outcomes = await Promise.all(
    all.map(async (client, index) => {
      let right = 0;
      for (let count = 0; count < each; count += 1) {
        const nonce = `${index}-${count}-${'n'.repeat((index * 31 + count * 17) % 200)}`;
        const { status, body } = await client.ask(get('/', [`x-nonce: ${nonce}`]));
        assert.equal(status, 200);
        assert.equal(body, nonce);
        right += 1;
      }
      client.destroy();
      return right;
    }),
  );
  assert.equal(
    outcomes.reduce((sum, right) => sum + right, 0),
    all.length * each,
  );
});

test('/pools has rows of the hosts in use only, and a connection belongs to one worker and one side', async () => {
  answer = ({ socket }) => void socket.write(HELLO);
  const base = httpProxyTo([upstreams[0]?.port ?? 0], { format: LONG_FORMAT }) as {
    readonly clusters: readonly Json[];
  };
  const staticResources = { ...base, clusters: [...base.clusters, cluster('unused', [1, 2])] };
  proxy = await startProxy({ concurrency: 4, staticResources });
  const pools = async (): Promise<{ worker: string; cluster: string; host: string }[]> => {
    const text = (await proxy?.admin('/pools?format=json')) ?? '';
    return (JSON.parse(text) as { pools: { worker: string; cluster: string; host: string }[] }).pools;
  };
  assert.deepEqual(await pools(), []);
  const all = await clients(proxy, 60);
  await Promise.all(
    all.map(async (client) => {
      for (let count = 0; count < 3; count += 1) await client.ask(get('/'));
    }),
  );
  const rows = await pools();
  assert.ok(rows.length > 1, 'several workers');
  for (const { cluster: name, host } of rows)
    assert.deepEqual([name, host], ['upstream', `127.0.0.1:${upstreams[0]?.port}`]);
  assert.equal(new Set(rows.map(({ worker }) => worker)).size, rows.length, 'one pool a worker');
  const lines = (await proxy.logLines(180)).map(parseLong);
  const down = new Map<number, number>();
  const up = new Map<number, number>();
  for (const { reads, upstreamWrites, threadId, text } of lines) {
    for (const { connectionId } of reads) belongs(down, connectionId, threadId, text);
    for (const { connectionId } of upstreamWrites) belongs(up, connectionId, threadId, text);
  }
  assert.equal(down.size, 60);
  assert.ok(
    [...up.keys()].every((id) => !down.has(id)),
    'both sides count with one counter',
  );
  for (const client of all) client.destroy();
});

/** Each connection id is of one thread. */
function belongs(owners: Map<number, number>, connectionId: number, threadId: number, text: string): void {
  assert.ok(connectionId > 0, text);
  assert.equal(owners.get(connectionId) ?? threadId, threadId, text);
  owners.set(connectionId, threadId);
}
