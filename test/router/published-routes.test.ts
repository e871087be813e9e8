/**
 * Tables as they lie in shared memory: what a worker finds in them is what a plain search over the configuration finds, and it
 * decodes the virtual hosts that were asked for, each once, over all versions in which they stay the same.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { RouteConfiguration, VirtualHost } from '../../src/api/envoy.ts';
import type { RoutePart } from '../../src/api/server.ts';
import { HeaderList } from '../../src/codec/header-map.ts';
import { CurrentRoutes } from '../../src/http/current-routes.ts';
import { openRouteTable } from '../../src/router/route-table.ts';
import { routeParts } from '../../src/router/route-parts.ts';
import { SnapshotReader, SnapshotWriter } from '../../src/server/snapshot.ts';

function virtualHost(name: string, domains: readonly string[], more: VirtualHost = {}): VirtualHost {
  return { name, domains, routes: [{ match: { prefix: '/' }, route: { cluster: name } }], ...more };
}

/** Main and one worker: what main publishes, what the worker answers and how much it has decoded. */
class Published {
  readonly #writer = new SnapshotWriter<RoutePart>();
  readonly #reader = new SnapshotReader<RoutePart>();
  readonly inflated = { value: 0, add: (more: number) => void (this.inflated.value += more), set: () => {} };
  readonly #routes: CurrentRoutes;

  constructor(name: string, ...tables: RouteConfiguration[]) {
    this.publish(...tables);
    this.#routes = new CurrentRoutes(this.#reader, name, openRouteTable, this.inflated);
  }

  publish(...tables: RouteConfiguration[]): void {
    const parts = tables.flatMap((table) => [...routeParts(table.name ?? '', table)]);
    this.#reader.set(this.#writer.replaceAll(new Map(parts)));
  }

  ask(authority: string): string {
    const match = this.#routes.current?.match(HeaderList.request('GET', '/', authority), 0) ?? null;
    return match?.virtualHostName ?? 'none';
  }

  route(authority: string): unknown {
    return this.#routes.current?.match(HeaderList.request('GET', '/', authority), 0);
  }

  get decoded(): number {
    return this.#reader.decoded;
  }
}

/** Envoy's order, word by word. */
function plainSearch(table: RouteConfiguration, authority: string): string {
  const colon = authority.lastIndexOf(':');
  const host = (
    table.ignore_port_in_host_matching && colon >= 0 ? authority.slice(0, colon) : authority
  ).toLowerCase();
  const rank = (domain: string): number => {
    if (domain === '*') return 1;
    if (domain.startsWith('*')) {
      return domain.length <= host.length && host.endsWith(domain.slice(1)) ? 2000 + domain.length : 0;
    }
    if (domain.endsWith('*')) {
      return domain.length <= host.length && host.startsWith(domain.slice(0, -1)) ? 1000 + domain.length : 0;
    }
    return domain === host ? 3000 : 0;
  };
  let best = { rank: 0, name: 'none' };
  for (const { name = '', domains = [] } of table.virtual_hosts ?? []) {
    for (const domain of domains) {
      const found = rank(domain.toLowerCase());
      if (found > best.rank) best = { rank: found, name };
    }
  }
  return best.name;
}

const label = fc.constantFrom('a', 'B', 'ab', 'c', '\u00e9', 'x-y', '');
const text = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
const domain = fc
  .tuple(text, fc.constantFrom('exact', 'port', 'suffix', 'prefix', 'any'))
  .map(([name, kind]) => {
    if (kind === 'suffix') return `*${name}`;
    if (kind === 'prefix') return `${name}*`;
    if (kind === 'any') return '*';
    return kind === 'port' ? `${name}:80` : name;
  })
  .filter((each) => each !== '');
const table = fc
  .record({
    domains: fc.uniqueArray(domain, { selector: (each) => each.toLowerCase(), maxLength: 12 }),
    perHost: fc.integer({ min: 1, max: 3 }),
    ignorePort: fc.boolean(),
  })
  .map(({ domains, perHost, ignorePort }): RouteConfiguration => {
    const hosts = Array.from({ length: Math.ceil(domains.length / perHost) }, (_, index) =>
      virtualHost(`v${index}`, domains.slice(index * perHost, (index + 1) * perHost)),
    );
    return { name: 'table', virtual_hosts: hosts, ignore_port_in_host_matching: ignorePort };
  });
const authority = fc.tuple(text, fc.constantFrom('', ':80', '.', '*')).map((each) => each.join(''));

test('every authority finds what a plain search over all domains finds, asked once or again, also of a later version', () => {
  fc.assert(
    fc.property(fc.array(table, { minLength: 1, maxLength: 4 }), fc.array(authority), (versions, asked) => {
      const published = new Published('table', { name: 'table' });
      for (const version of versions) {
        published.publish(version, {
          name: 'tabl',
          virtual_hosts: [virtualHost('other', ['*', 'e', 'e.a'])],
        });
        for (const each of [...asked, ...asked]) {
          assert.equal(published.ask(each), plainSearch(version, each), each);
        }
        assert.ok(published.inflated.value <= (version.virtual_hosts ?? []).length);
      }
    }),
  );
});

const MANY = Array.from({ length: 5000 }, (_, index) =>
  virtualHost(`v${index}`, [`s${index}`, `s${index}.svc`, `*.s${index}.svc`]),
);

test('of 5,000 virtual hosts those that were asked for are decoded, once, whatever their domains', () => {
  const published = new Published('t', { name: 't', virtual_hosts: MANY });
  assert.equal(published.decoded, 0);
  for (let time = 0; time < 3; time += 1) {
    for (const each of ['s7', 'S7.svc', 'x.s7.svc', 's4999.svc']) published.ask(each);
    for (let index = 0; index < 1000; index += 1) assert.equal(published.ask(`no${index}.svc`), 'none');
  }
  assert.equal(published.inflated.value, 2);
  // The head, three ways to the one, two to the other.
  assert.equal(published.decoded, 6);
});

test('the domains of a virtual host share what it was compiled to', () => {
  const published = new Published('t', { name: 't', virtual_hosts: MANY });
  const routes = ['x.s7.svc', 's7', 's7.svc'].map((each) => published.route(each));
  assert.ok(routes[0] !== null && routes.every((each) => each === routes[0]));
});

test('a new version compiles what has changed, the rest stays', () => {
  const hosts = MANY.slice(0, 10);
  const published = new Published('t', { name: 't', virtual_hosts: hosts });
  const before = ['s1', 's2', 's3'].map((each) => published.route(each));
  const changed = virtualHost('v2', hosts[2]?.domains ?? [], { require_tls: 'ALL' });
  const next = hosts.with(2, changed).toSpliced(3, 1);
  published.publish({ name: 't', virtual_hosts: [...next, virtualHost('new', ['s3'])] });
  assert.equal(published.route('s1'), before[0]);
  assert.equal(published.inflated.value, 1);
  assert.notEqual(published.route('s2'), before[1]);
  assert.deepEqual(
    ['s3', 's3.svc'].map((each) => published.ask(each)),
    ['new', 'none'],
  );
  assert.equal(published.inflated.value, 3);
});

test('a new version with other settings of the table compiles all again, a table that went answers nothing', () => {
  const published = new Published('t', { name: 't', virtual_hosts: MANY.slice(0, 10) });
  const before = published.route('s1');
  const add = [{ header: { key: 'x', value: 'y' } }];
  published.publish({ name: 't', virtual_hosts: MANY.slice(0, 10), request_headers_to_add: add });
  const after = published.route('s1');
  assert.notEqual(after, before);
  assert.equal(published.inflated.value, 1);
  published.publish({ name: 'another', virtual_hosts: MANY.slice(0, 10) });
  assert.equal(published.ask('s1'), 'none');
  assert.equal(published.inflated.value, 0);
});
