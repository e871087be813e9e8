/**
 * What the running proxy tells about itself: circuit breakers and loops in the statistics, local replies in the access log, and the
 * application log at debug and trace, whose lines agree with the counters.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { Client, request } from 'undici';
import { eventually, within } from '../support/pattern.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { HttpOptions, ProxyOptions, RunningProxy } from '../support/proxy.ts';

const GUARD_MS = 20_000;
const LIMIT_BYTES = 4096;
const BODY_BYTES = 16 * 1024 * 1024;

describe('the proxy tells of itself', () => {
  /** What the upstream has not answered or read yet. */
  let held: (() => void)[] = [];
  const upstream = createServer((incoming, outgoing) => {
    if (incoming.url === '/held') held.push(() => outgoing.end('at last'));
    else if (incoming.url === '/late')
      held.push(() => incoming.resume().on('end', () => outgoing.end('taken')));
    else outgoing.end('hello');
  });
  let port = 0;
  let proxy: RunningProxy | null = null;
  before(async () => {
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    port = (upstream.address() as AddressInfo).port;
  });
  after(() => {
    upstream.closeAllConnections();
    upstream.close();
  });
  afterEach(async () => {
    for (const release of held) release();
    held = [];
    await proxy?.stop();
    proxy = null;
  });

  async function start(
    http: HttpOptions = {},
    options: Partial<ProxyOptions> = {},
  ): Promise<{ running: RunningProxy; url: string }> {
    const running = await startProxy({ staticResources: httpProxyTo([port], http), ...options });
    proxy = running;
    return { running, url: `http://127.0.0.1:${running.port('http')}` };
  }

  test('a full circuit breaker is open in the statistics, and the answer that it caused stands in the log', async () => {
    const thresholds = [
      { max_requests: 1, max_connections: 1, max_pending_requests: 1, track_remaining: true },
    ];
    const { running, url } = await start(
      { format: '%RESPONSE_CODE% "%LOCAL_REPLY_BODY%"', cluster: { circuit_breakers: { thresholds } } },
      { concurrency: 1 },
    );
    const gauge = (name: string): Promise<number> =>
      running.stat(`cluster.upstream.circuit_breakers.default.${name}`);
    assert.deepEqual([await gauge('rq_open'), await gauge('remaining_rq')], [0, 1]);
    const first = request(`${url}/held`);
    await eventually(() => Promise.resolve(held.length), 1, 'the request arrives');
    assert.deepEqual([await gauge('rq_open'), await gauge('remaining_rq')], [1, 0]);
    assert.deepEqual([await gauge('cx_open'), await gauge('remaining_cx')], [1, 0]);
    assert.match(await running.admin('/stats/prometheus'), /circuit_breakers\w*_rq_open\{[^}]*\} 1/);
    const waiting = request(`${url}/`);
    await eventually(() => gauge('rq_pending_open'), 1, 'one waits in line');
    const refused = await request(`${url}/`);
    assert.equal(refused.statusCode, 503);
    const body = await refused.body.text();
    assert.notEqual(body, '');
    for (const release of held) release();
    for (const answer of await Promise.all([first, waiting])) await answer.body.text();
    assert.equal(await running.logLine(/^503/), `503 "${body}"`);
    await running.logLine(/^200 "-"/);
    await eventually(() => gauge('rq_open'), 0, 'the requests stay');
  });

  for (const [coalesce, fragments] of [
    [true, 1],
    [false, 2],
  ] as const) {
    test(`with coalesce_writes ${coalesce} head and body of a response leave in ${fragments} system call(s)`, async () => {
      const layers = [{ name: 'static', static_layer: { nodeproxy: { coalesce_writes: coalesce } } }];
      const { running, url } = await start(
        { format: '%DOWNSTREAM_WRITE_DURATION%' },
        { concurrency: 1, bootstrap: { layered_runtime: { layers } } },
      );
      await (await request(url)).body.text();
      const [line = ''] = await running.logLines(1);
      assert.equal(line.split('[').length - 1, fragments, line);
    });
  }

  test('turns and lag of every loop are measured, and are histograms when they are asked for', async () => {
    const { running, url } = await start({}, { bootstrap: { enable_dispatcher_stats: true } });
    for (let count = 0; count < 20; count += 1) await (await request(url)).body.text();
    const { dispatchers } = JSON.parse(await running.admin('/dispatcher?format=json')) as {
      dispatchers: { name: string; turns: number; turnP50Ms: number; turnP99Ms: number; lagP99Ms: number }[];
    };
    assert.deepEqual(
      dispatchers.map(({ name }) => name),
      ['main_thread', 'worker_0', 'worker_1'],
    );
    for (const loop of dispatchers.slice(1)) {
      assert.ok(
        loop.turns > 0 && loop.turnP50Ms >= 0 && loop.turnP99Ms >= loop.turnP50Ms && loop.lagP99Ms >= 0,
      );
    }
    const stats = await running.admin('/stats');
    for (const worker of ['worker_0', 'worker_1']) {
      const prefix = `listener_manager.${worker}.dispatcher`;
      assert.match(stats, new RegExp(`^${prefix}\\.loop_duration_us: P0`, 'm'));
      assert.match(stats, new RegExp(`^${prefix}\\.poll_delay_us: P0`, 'm'));
    }
  });

  test('POST /logging gives trace lines of one component from all workers, and takes them away', async () => {
    const { running, url } = await start();
    const connections = async (): Promise<void> => {
      for (let count = 0; count < 40; count += 1) {
        const client = new Client(url);
        await (await client.request({ path: '/', method: 'GET' })).body.text();
        await client.close();
      }
    };
    const tids = new Set(
      Array.from(
        (await running.admin('/threads')).matchAll(/^worker_\d +worker +(\d+)/gm),
        (match) => match[1],
      ),
    );
    assert.equal(tids.size, 2);
    await running.admin('/logging?connection=trace', 'POST');
    await connections();
    await eventually(() => Promise.resolve(tracers(running.output).size), 2, 'both workers trace');
    assert.deepEqual(tracers(running.output), tids);
    assert.doesNotMatch(running.output, /\[(?:debug|trace)\]\[(?:pool|http|router)\]/);
    await running.admin('/logging?connection=info', 'POST');
    // What the threads have written until then lies before this line.
    await running.admin('/reopen_logs', 'POST');
    await eventually(
      () => Promise.resolve(running.output.includes('log files reopened')),
      true,
      'the logs are reopened',
    );
    const before = running.output.length;
    await connections();
    await running.admin('/ready');
    assert.doesNotMatch(running.output.slice(before), /\[trace\]/);
  });

  test('the start’s flags set the levels of components, and their lines show a request’s way', async () => {
    const { running, url } = await start(
      {},
      {
        concurrency: 1,
        args: [
          '-l',
          'warning',
          '--component-log-level',
          'main:info,admin:info,router:debug,pool:debug,http:debug,conn_handler:debug',
        ],
      },
    );
    await (await request(`${url}/way`)).body.text();
    await running.logLines(1);
    const seen = running.output;
    const order = [
      /\[C1\] new connection from 127\.0\.0\.1:\d+/,
      /\[C1\]\[S1\] new stream/,
      /\[C1\]\[S1\] request headers complete \(end_stream=true\): GET \/way /,
      /\[C1\]\[S1\] cluster 'upstream' match for URL '\/way'/,
      /\[C2\] creating a new connection to 127\.0\.0\.1:\d+/,
      /\[C2\] using a fully connected new connection/,
      /\[C1\]\[S1\] pool ready: upstream connection \[C2\]/,
      /\[C1\]\[S1\] upstream headers complete \(end_stream=false\): 200/,
      /\[C1\]\[S1\] encoding headers via codec \(end_stream=false\): 200/,
    ].map((pattern) => seen.search(pattern));
    assert.ok(!order.includes(-1), `${order.join(' ')}\n${seen}`);
    assert.deepEqual(
      order,
      order.toSorted((left, right) => left - right),
    );
    assert.match(seen, /command: \[.*"-l","warning"/);
    assert.doesNotMatch(seen, /onAbove|closing socket/);
  });

  test('an upload to an upstream that reads late: as many lines as the counters say, in pairs', () =>
    within(
      GUARD_MS,
      'the upload',
      (async () => {
        const { running } = await start(
          {
            route: { timeout: '0s' },
            listener: { per_connection_buffer_limit_bytes: LIMIT_BYTES },
            cluster: { per_connection_buffer_limit_bytes: LIMIT_BYTES },
          },
          { concurrency: 1, args: ['--component-log-level', 'http:debug,connection:debug'] },
        );
        const client = connect({ port: running.port('http'), host: '127.0.0.1' });
        client.write(`PUT /late HTTP/1.1\r\nhost: h\r\ncontent-length: ${BODY_BYTES}\r\n\r\n`);
        client.write(Buffer.alloc(BODY_BYTES, 'x'));
        const stat = (name: string): Promise<number> => running.stat(name);
        await eventually(() => Promise.resolve(held.length), 1, 'the request arrives');
        const paused = 'http.ingress.downstream_flow_control_paused_reading_total';
        while (
          (await stat(paused)) === (await stat('http.ingress.downstream_flow_control_resumed_reading_total'))
        );
        for (const release of held.splice(0)) release();
        const [answer] = (await once(client, 'data')) as [Buffer];
        assert.match(String(answer), /^HTTP\/1\.1 200 OK/);
        client.end();
        await running.logLines(1);
        await eventually(() => stat('http.ingress.downstream_cx_active'), 0, 'the client stays');
        const count = (text: string): number => running.output.split(text).length - 1;
        const disabled = count('][S1] Read-disabling downstream stream due to filter callbacks.');
        assert.ok(disabled > 0);
        assert.equal(disabled, await stat(paused));
        assert.equal(count('][S1] Read-enabling downstream stream due to filter callbacks.'), disabled);
        const backedUp = await stat('cluster.upstream.upstream_flow_control_backed_up_total');
        assert.ok(backedUp > 0);
        assert.equal(count('[C2] onAboveWriteBufferHighWatermark'), backedUp);
        assert.equal(count('[C2] onBelowWriteBufferLowWatermark'), backedUp);
        assert.ok(count('[C1] onAboveReadBufferHighWatermark') > 0);
        assert.equal(
          count('[C1] onBelowReadBufferLowWatermark'),
          count('[C1] onAboveReadBufferHighWatermark'),
        );
      })(),
    ));
});

/** Thread ids in the trace lines of connections. */
function tracers(output: string): Set<string | undefined> {
  return new Set(Array.from(output.matchAll(/\[(\d+)\]\[trace\]\[connection\]/g), (match) => match[1]));
}
