import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpConnectionManager, RouteConfiguration } from '../../../src/api/envoy.ts';
import type { HttpFilterFactory } from '../../../src/api/http.ts';
import type { NetworkFilterContext } from '../../../src/api/network.ts';
import { HttpConnectionManagerFactory } from '../../../src/extensions/network/http-connection-manager.ts';
import type { RoutePart } from '../../../src/api/server.ts';
import type { OpenRouteTable } from '../../../src/http/current-routes.ts';
import { SnapshotReader, SnapshotWriter } from '../../../src/server/snapshot.ts';
import { FakeStats } from '../../http/support/fake-stats.ts';
import { TerminalFilter, parse } from '../../http/support/http-bench.ts';
import { FakeConnection } from '../../support/fake-connection.ts';
import { FakeDispatcher } from '../../support/fake-dispatcher.ts';

const NOTHING = {
  downstreamRead: false,
  upstreamWrite: false,
  upstreamRead: false,
  downstreamWrite: false,
  ledger: false,
};

class Bench {
  readonly dispatcher = new FakeDispatcher();
  readonly connection = new FakeConnection('downstream', this.dispatcher);
  readonly stats = new FakeStats();
  readonly terminals: TerminalFilter[] = [];
  readonly prepared: string[] = [];
  readonly compiled: string[] = [];
  readonly retired: string[] = [];
  readonly writer = new SnapshotWriter<RoutePart>();
  readonly routes = new SnapshotReader<RoutePart>();

  constructor() {
    this.publish({ name: 'r' });
  }

  publish(table: RouteConfiguration): void {
    this.routes.set(this.writer.replaceAll(new Map([['r', { kind: 'table', config: table, domains: [] }]])));
  }

  factory(): HttpConnectionManagerFactory {
    const known: Record<string, HttpFilterFactory> = { plain: this.#filter(false), last: this.#filter(true) };
    return new HttpConnectionManagerFactory({
      httpFilter: (typeUrl) => known[typeUrl],
      compileRoutes: (config) => this.#table(config),
      openRoutes: (snapshot, name) => {
        const head = snapshot.scope('').load(name);
        return head?.kind === 'table' ? this.#table(head.config) : null;
      },
    });
  }

  context(): NetworkFilterContext {
    return {
      dispatcher: this.dispatcher,
      clusters: { get: () => undefined, onSnapshot: () => undefined, drain: () => undefined },
      routes: this.routes,
      stats: this.stats,
      listenerStats: this.stats.scope('listener').scope('127.0.0.1_80'),
      listenerPort: 80,
      filterChainName: 'chain',
      accessLogs: () => ({ needs: NOTHING, empty: true, log: () => undefined }),
      drain: { draining: false },
      bufferLimitBytes: 1024,
    };
  }

  #table({ name = '' }: RouteConfiguration): OpenRouteTable {
    this.compiled.push(name);
    return {
      name,
      match: () => ({ routeName: name, virtualHostName: '' }),
      retire: (next) => void this.retired.push(`${name} for ${next?.name ?? 'none'}`),
    };
  }

  #filter(terminal: boolean): HttpFilterFactory {
    return {
      typeUrl: terminal ? 'last' : 'plain',
      terminal,
      prepare: (_config, context) => {
        this.prepared.push(context.filterName ?? '');
        return () => {
          if (!terminal) return {};
          const filter = new TerminalFilter();
          this.terminals.push(filter);
          return filter;
        };
      },
    };
  }
}

function config(types: readonly string[], more: HttpConnectionManager = {}): unknown {
  return {
    stat_prefix: 'in',
    route_config: { name: 'r' },
    http_filters: types.map((type, index) => ({ name: `f${index}`, typed_config: { '@type': type } })),
    ...more,
  };
}

const GET = 'GET / HTTP/1.1\r\nhost: h\r\n\r\n';

test('a prepared connection manager serves with the filters, routes and statistics of its configuration', async () => {
  const bench = new Bench();
  const create = await bench.factory().prepare(config(['plain', 'last']), bench.context());
  assert.deepEqual(bench.prepared, ['f0', 'f1']);
  bench.connection.addReadFilter(create());
  bench.dispatcher.run(() => bench.connection.receive(GET));
  bench.dispatcher.run(() => bench.terminals[0]?.respond(200, 'x'));
  assert.equal(parse(bench.connection.take()).body, 'x');
  bench.dispatcher.run(() => bench.connection.flush());
  assert.equal(bench.stats.value('http.in.downstream_rq_2xx'), 1);
  assert.equal(bench.stats.value('listener.127.0.0.1_80.http.in.downstream_rq_2xx'), 1);
});

test('a route table is opened when it is first needed, and once for each snapshot, the older one gives way', async () => {
  const bench = new Bench();
  const create = await bench.factory().prepare(config(['last']), bench.context());
  bench.connection.addReadFilter(create());
  const ask = (): string => {
    bench.dispatcher.run(() => bench.connection.receive(GET));
    const terminal = bench.terminals.at(-1);
    const name = terminal?.callbacks.route?.routeName ?? '';
    bench.dispatcher.run(() => terminal?.respond(200));
    return name;
  };
  assert.deepEqual(bench.compiled, []);
  assert.equal(ask(), 'r');
  ask();
  assert.deepEqual([bench.compiled, bench.retired], [['r'], []]);
  bench.publish({ name: 'changed' });
  bench.publish({ name: 'changed again' });
  assert.equal(ask(), 'changed again');
  assert.deepEqual(bench.retired, ['r for changed again']);
});

test('a table that stands in the configuration is compiled at once', async () => {
  const bench = new Bench();
  await bench
    .factory()
    .prepare(config(['last'], { route_config: { name: 'own', virtual_hosts: [] } }), bench.context());
  assert.deepEqual(bench.compiled, ['own']);
});

const REFUSED: readonly [string, unknown, RegExp][] = [
  ['an unknown filter', config(['what', 'last']), /f0.*unknown type 'what'/],
  ['no filter at all', config([]), /last http filter must be a terminal one/],
  ['a chain that ends in no terminal filter', config(['plain']), /last http filter must be a terminal one/],
  ['a terminal filter in the middle', config(['last', 'plain', 'last']), /f0 is terminal but not the last/],
];

for (const [name, refused, error] of REFUSED) {
  test(`${name} is refused before the listener takes traffic`, async () => {
    const bench = new Bench();
    await assert.rejects(bench.factory().prepare(refused, bench.context()), error);
  });
}

test('a filter that is disabled is not in the chain', async () => {
  const bench = new Bench();
  await bench.factory().prepare(
    config([], {
      http_filters: [
        { name: 'off', disabled: true, typed_config: { '@type': 'plain' } },
        { name: 'on', typed_config: { '@type': 'last' } },
      ] as unknown as NonNullable<HttpConnectionManager['http_filters']>,
    }),
    bench.context(),
  );
  assert.deepEqual(bench.prepared, ['on']);
});
