/** Route tables leave the listeners for the slot: under their own name where it is free, else under that of their place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpConnectionManager, Listener, RouteConfiguration } from '../../src/api/envoy.ts';
import { nameRoutes } from '../../src/server/route-names.ts';

const HCM = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

function listener(name: string, table: RouteConfiguration | undefined): Listener {
  const config = table === undefined ? {} : { route_config: table };
  return {
    name,
    filter_chains: [{ filters: [{ name: 'http', typed_config: { '@type': HCM, ...config } }] }],
  };
}

function tableOf({ filter_chains: chains }: Listener): RouteConfiguration | undefined {
  return (chains?.[0]?.filters?.[0]?.typed_config as HttpConnectionManager | undefined)?.route_config;
}

const hosts = (name: string): RouteConfiguration => ({ virtual_hosts: [{ name, domains: ['*'] }] });

test('a named table goes under its name and the connection manager keeps the name alone', () => {
  const { listeners, routes } = nameRoutes([listener('a', { name: 'shop', ...hosts('x') })]);
  assert.deepEqual(listeners.map(tableOf), [{ name: 'shop' }]);
  assert.deepEqual([...routes], [['shop', { name: 'shop', ...hosts('x') }]]);
});

test('tables without a name get that of their place', () => {
  const { listeners, routes } = nameRoutes([listener('a', hosts('x')), listener('b', hosts('y'))]);
  assert.deepEqual([...routes.keys()], ['a/0/0', 'b/0/0']);
  assert.deepEqual(listeners.map(tableOf), [{ name: 'a/0/0' }, { name: 'b/0/0' }]);
});

test('the same name for different tables does not mix them up', () => {
  const one = { name: 'same', ...hosts('x') };
  const two = { name: 'same', ...hosts('y') };
  const { routes, listeners } = nameRoutes([listener('a', one), listener('b', two), listener('c', one)]);
  assert.deepEqual(listeners.map(tableOf), [{ name: 'same' }, { name: 'b/0/0' }, { name: 'same' }]);
  assert.deepEqual(routes.get('b/0/0')?.virtual_hosts, two.virtual_hosts);
});

test('the given configuration stays as it was', () => {
  const given = [listener('a', hosts('x'))];
  const before = structuredClone(given);
  nameRoutes(given);
  assert.deepEqual(given, before);
});
