/** The client's parts by themselves: settings, the way that is there, probes, the search in the logs, the folder for reports. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { linesOf, logsOf } from '../../compose/client/log-lines.ts';
import { Probes } from '../../compose/client/probes.ts';
import { proxyState } from '../../compose/client/proxies.ts';
import { checkFolder } from '../../compose/client/report.ts';
import { readSettings, SettingsError } from '../../compose/client/settings.ts';
import { settle } from '../../compose/client/settle.ts';
import { findWay } from '../../compose/client/way.ts';
import { pause } from '../support/raw-client.ts';

const GOOD: Readonly<Record<string, string>> = {
  CONNECTIONS: '4',
  SECONDS: '1',
  RATE: '0',
  ROUNDS: '1',
  WARM_UP_SECONDS: '0',
  REQUEST_PATH: '/',
  CONCURRENCY: '2',
  SERVICES: 'one=one:8080 two=two:8080',
  DIRECT_MARK: 'direct=direct:8080',
  SIDECAR_ENTRY: '127.0.0.1:15001',
  SIDECAR_ADMINS: 'a=127.0.0.1:9901 b=one:9901',
  NODEPROXY_ENTRY: 'node-a:15001',
  NODEPROXY_ADMINS: 'node-a=node-a:9901 node-b=node-b:9901',
  RESULTS: '/results',
  LOGS: '/logs',
};

async function serve(listener: RequestListener): Promise<{ server: Server; address: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('settings', () => {
  test('are read from the environment, all of them', () => {
    const settings = readSettings({ ...GOOD, COMMIT: ' abc ' });
    assert.deepEqual(settings.services[1], { name: 'two', address: 'two:8080' });
    assert.deepEqual(
      settings.ways.map(({ name, entry, marks }) => [name, entry, marks.length]),
      [
        ['direct', null, 1],
        ['sidecar', '127.0.0.1:15001', 2],
        ['nodeproxy', 'node-a:15001', 2],
      ],
    );
    assert.equal(settings.commit, 'abc');
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['CONNECTIONS', '0', /^CONNECTIONS=0: a whole number from 1 to 10000 is needed$/],
    ['CONNECTIONS', '1e3', /whole number/],
    ['SECONDS', '', /^SECONDS is not set$/],
    ['SECONDS', '1.5', /whole number/],
    ['RATE', '-1', /whole number/],
    ['ROUNDS', '１', /whole number/],
    ['REQUEST_PATH', 'large', /^REQUEST_PATH=large: a path begins with \/$/],
    ['SERVICES', 'one', /^SERVICES: "" is not host:port$/],
    ['SERVICES', '=one:8080', /is not name=host:port/],
    ['SERVICES', 'one=one:8080=x', /is not name=host:port/],
    ['SERVICES', 'one=a:1 one=b:1', /^SERVICES: a name stands there twice$/],
    ['NODEPROXY_ENTRY', 'http://node-a', /^NODEPROXY_ENTRY: "http:\/\/node-a" is not host:port$/],
  ];
  for (const [name, value, message] of wrong)
    test(`${name}="${value}" is refused by name`, () => {
      assert.throws(
        () => readSettings({ ...GOOD, [name]: value }),
        (error: Error) => {
          assert.ok(error instanceof SettingsError);
          assert.match(error.message, message);
          return true;
        },
      );
    });

  test('a missing variable is refused, whichever it is', () => {
    for (const name of Object.keys(GOOD)) {
      const { [name]: _gone, ...rest } = GOOD;
      assert.throws(() => readSettings(rest), new RegExp(`^SettingsError: ${name} is not set$`));
    }
  });
});

describe('the way', () => {
  const settings = readSettings(GOOD);
  const found = async (...there: readonly string[]): Promise<string> =>
    (await findWay(settings, ({ name }) => Promise.resolve(there.includes(name)))).name;

  test('is the one whose marks all answer', async () => {
    assert.equal(await found('direct'), 'direct');
    assert.equal(await found('a', 'b'), 'sidecar');
    assert.equal(await found('node-a', 'node-b'), 'nodeproxy');
  });

  test('is none where nothing answers: proxies that all failed to start are not `direct`', async () => {
    await assert.rejects(found(), /nothing answers of any profile: start one of direct, sidecar, nodeproxy/);
  });

  test('is none where part of its proxies are missing, and it says which', async () => {
    await assert.rejects(found('node-a'), /profile nodeproxy: not ready: node-b/);
  });

  test('is none where two profiles are up', async () => {
    await assert.rejects(found('direct', 'a', 'b'), /profiles direct and sidecar are there at once/);
    await assert.rejects(found('a', 'node-b'), /profiles sidecar and nodeproxy are there at once/);
  });

  test('is found by asking: a proxy that is not live is not there', async (context) => {
    const paths: string[] = [];
    const live = await serve((request, response) =>
      response.end(paths.push(request.url ?? '') > 0 ? 'LIVE\n' : ''),
    );
    const starting = await serve((_request, response) => response.writeHead(503).end('INITIALIZING\n'));
    context.after(() => [live, starting].forEach(({ server }) => server.close()));
    const variables = {
      ...GOOD,
      DIRECT_MARK: 'direct=127.0.0.1:9',
      SIDECAR_ADMINS: `a=${starting.address}`,
      NODEPROXY_ADMINS: `node-a=${live.address}`,
    };
    assert.equal((await findWay(readSettings(variables))).name, 'nodeproxy');
    assert.deepEqual(paths, ['/ready']);
  });
});

describe('settling', () => {
  test('lasts until every service answers by its name', async (context) => {
    const asked: string[] = [];
    const { server, address } = await serve((request, response) => {
      asked.push(request.headers.host ?? '');
      response.writeHead(asked.length < 3 ? 503 : 200).end();
    });
    context.after(() => server.close());
    const targets = ['one', 'two'].map((name) => ({ name, url: `http://${address}/` }));
    await settle(targets, new AbortController().signal);
    assert.deepEqual(asked, ['one', 'one', 'one', 'two']);
  });

  test('ends with the last answer of the service that did not come', async (context) => {
    const { server, address } = await serve((_request, response) => response.writeHead(503).end());
    context.after(() => server.close());
    const targets = [{ name: 'one', url: `http://${address}/` }];
    await assert.rejects(
      settle(targets, new AbortController().signal, 0),
      /service one does not answer at .*: 503$/,
    );
  });
});

describe('probes', () => {
  test('keep the slowest, with their ids, and count what failed', async (context) => {
    const ids: string[] = [];
    const { server, address } = await serve((request, response) => {
      ids.push(String(request.headers['x-request-id']));
      assert.equal(request.headers.host, 'one');
      const held = ids.length === 2 ? 60 : 0;
      if (ids.length === 3) response.writeHead(500);
      setTimeout(() => response.end(), held);
    });
    const probes = new Probes(3);
    context.after(async () => {
      await probes.close();
      server.close();
    });
    const stop = probes.start('one', `http://${address}/x`);
    while (ids.length < 5) await pause(10);
    await stop();
    assert.equal(probes.sent, ids.length);
    assert.equal(probes.failed, 1);
    assert.equal(probes.slowest.length, 3);
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(probes.slowest.some(({ id, us }) => id === ids[1] && us >= 60_000));
    const times = probes.slowest.map(({ us }) => us);
    assert.deepEqual(
      times,
      times.toSorted((one, other) => other - one),
    );
  });

  test('to a service that is gone fail, and are not kept', async () => {
    const { server, address } = await serve(() => undefined);
    server.close();
    await once(server, 'close');
    const probes = new Probes(3);
    const stop = probes.start('one', `http://${address}/`);
    while (probes.failed === 0) await pause(10);
    await stop();
    assert.equal(probes.failed, probes.sent);
    assert.deepEqual(probes.slowest, []);
    await probes.close();
  });
});

describe("the search in the proxies' logs", () => {
  const ids = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'nodeproxy-logs-'));
    for (const proxy of ['a', 'b']) mkdirSync(join(folder, proxy));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('finds the lines of this run, of every proxy, also those that come late', async () => {
    const [first, second] = ids;
    writeFileSync(join(folder, 'a', 'access.log'), `older "${first}"\n`);
    const logs = logsOf(folder, ['a', 'b', 'no-log']);
    appendFileSync(join(folder, 'a', 'access.log'), `x "${first}"\nother\n`);
    const search = linesOf(logs, ids);
    setTimeout(() => writeFileSync(join(folder, 'b', 'access.log'), `y "${first}"\nz "${second}"\n`), 1300);
    assert.deepEqual(await search, [
      { proxy: 'a', id: first, line: `x "${first}"` },
      { proxy: 'b', id: first, line: `y "${first}"` },
      { proxy: 'b', id: second, line: `z "${second}"` },
    ]);
  });

  test('is none where there is no proxy', async () => {
    assert.deepEqual(await linesOf([], ids), []);
  });
});

test("a proxy's state is its memory and the requests of both listeners", async (context) => {
  const { server, address } = await serve((request, response) =>
    response.end(
      request.url === '/memory'
        ? '{ "total_physical_bytes": "1048576" }'
        : 'http.inbound.downstream_rq_total: 3\nhttp.outbound.downstream_rq_total: 40\n',
    ),
  );
  context.after(() => server.close());
  assert.deepEqual(await proxyState({ name: 'node-a', address }), {
    name: 'node-a',
    memoryBytes: 1_048_576,
    requests: { outbound: 40, inbound: 3 },
  });
});

test('a folder that cannot be written to is refused before anything is measured', () => {
  assert.throws(
    () => checkFolder('/no/such/folder'),
    /RESULTS=\/no\/such\/folder: user \d+ cannot write there.*CLIENT_UID/,
  );
  checkFolder(tmpdir());
});
