/**
 * The admin of a running proxy: each command that the help names answers, and the configuration that it dumps starts a proxy that does
 * the same.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { request } from 'undici';
import { startRawService } from '../support/lab-server.ts';
import type { RawService } from '../support/lab-server.ts';
import { untilStat } from '../support/instrumented.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { Json, RunningProxy } from '../support/proxy.ts';
import { get, RawClient } from '../support/raw-client.ts';

const HELLO = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello world\n';
const RESPONSES = 'http.ingress.downstream_rq_2xx';
/** Commands after which nothing more can be asked, or nothing is served. */
const LAST = new Set(['/quitquitquit', '/drain_listeners']);

let upstream: RawService;
before(async () => {
  upstream = await startRawService(({ socket }) => socket.write(HELLO));
});
after(() => upstream.stop());

async function ask(proxy: RunningProxy): Promise<{ status: number; body: string }> {
  const client = await RawClient.connect(proxy.port('http'));
  const { status, body } = await client.ask(get('/'));
  client.destroy();
  return { status, body };
}

describe('the admin of a running proxy', () => {
  let proxy: RunningProxy | null = null;
  before(async () => {
    proxy = await startProxy({ staticResources: httpProxyTo([upstream.port]) });
  });
  after(() => proxy?.stop());

  function running(): RunningProxy {
    assert.ok(proxy !== null);
    return proxy;
  }

  test('answers each command of its help, JSON where that is asked for, and still serves', async () => {
    const help = await running().admin('/help');
    const commands = Array.from(help.matchAll(/^ {2}(\/\S*)( \(POST\))?: ([^]*?)(?=^ {2}\/|$(?![^]))/gm));
    assert.ok(commands.length >= 20, help);
    const base = `http://127.0.0.1:${running().adminPort}`;
    for (const [, path = '', post, text = ''] of commands) {
      if (LAST.has(path)) continue;
      const method = post === undefined ? 'GET' : 'POST';
      const { statusCode, headers, body } = await request(base + path, { method });
      const page = await body.text();
      assert.equal(statusCode, 200, `${path}: ${page.slice(0, 200)}`);
      assert.notEqual(page, '', path);
      if (headers['content-type'] === 'application/json') JSON.parse(page);
      if (!/One of \([^)]*json/.test(text)) continue;
      const json = await running().admin(`${path}?format=json`);
      assert.equal(typeof JSON.parse(json), 'object', path);
    }
    assert.equal((await ask(running())).status, 200);
  });

  test('counts, and starts again from zero when it is told to', async () => {
    // A response is counted when it is delivered, a moment after the client has it: those of the tests before, too.
    await untilStat(running(), RESPONSES.replace(/2xx$/, 'active'), 0);
    await running().admin('/reset_counters', 'POST');
    const before = await running().stat(RESPONSES);
    assert.equal(before, 0);
    await ask(running());
    await untilStat(running(), RESPONSES, 1);
    assert.match(
      await running().admin('/stats?usedonly&filter=^http.*downstream_rq_2xx$'),
      new RegExp(`^${RESPONSES}: 1\n$`),
    );
    await running().admin('/reset_counters', 'POST');
    assert.equal(await running().stat(RESPONSES), 0);
    assert.ok((await running().stat('server.concurrency')) > 0, 'gauges stay');
  });

  test('fails health on demand, which stops nothing', async () => {
    await running().admin('/healthcheck/fail', 'POST');
    assert.notEqual((await running().admin('/ready')).trim(), 'LIVE');
    assert.equal((await ask(running())).status, 200);
    await running().admin('/healthcheck/ok', 'POST');
    assert.equal((await running().admin('/ready')).trim(), 'LIVE');
  });
});

test('the configuration that is dumped starts a proxy that does the same', async () => {
  const route = { retry_policy: { retry_on: '5xx', num_retries: 2 }, timeout: '7.500s' };
  const manager = { stream_idle_timeout: '61s', http_protocol_options: { accept_http_10: true } };
  const thresholds: Json = [{ max_connections: 7, max_requests: 9 }];
  const first = await startProxy({
    staticResources: httpProxyTo([upstream.port], {
      route,
      manager,
      cluster: { circuit_breakers: { thresholds } },
      listener: { per_connection_buffer_limit_bytes: 32_768 },
    }),
  });
  const staticOf = async (proxy: RunningProxy): Promise<Json> => {
    const { configs } = JSON.parse(await proxy.admin('/config_dump')) as {
      configs: { bootstrap?: { static_resources: Json } }[];
    };
    return configs.find(({ bootstrap }) => bootstrap !== undefined)?.bootstrap?.static_resources ?? null;
  };
  const resources = await staticOf(first);
  const answered = await ask(first);
  const limits = (await first.admin('/clusters')).match(/_priority::.*/g);
  await first.stop();
  const second = await startProxy({ staticResources: resources });
  try {
    assert.deepEqual(await staticOf(second), resources);
    assert.deepEqual(await ask(second), answered);
    assert.deepEqual((await second.admin('/clusters')).match(/_priority::.*/g), limits);
    assert.ok(limits?.includes('_priority::max_connections::7'));
  } finally {
    await second.stop();
  }
});
