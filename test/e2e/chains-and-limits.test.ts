/**
 * What a listener does with a connection before any filter sees it: the limits, the choice of its filter chain, and the address that
 * it was made to. Through the whole proxy, on both socket interfaces.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { eventually } from '../support/pattern.ts';
import { fileLog, socketAddress, startProxy } from '../support/proxy.ts';
import type { Json, RunningProxy } from '../support/proxy.ts';
import { get, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters';

/** A chain that answers every request with its own name, and logs it. */
function answering(name: string, match: Json | null): Json {
  const manager = {
    '@type': `${TYPE}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    access_log: [fileLog('access.log', `%FILTER_CHAIN_NAME% ${name}`)],
    route_config: {
      name,
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [
            { match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: name } } },
          ],
        },
      ],
    },
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPE}.http.router.v3.Router` } },
    ],
  };
  return {
    name,
    ...(match === null ? {} : { filter_chain_match: match }),
    filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }],
  };
}

const range = (prefix: string, length: number): Json => ({ address_prefix: prefix, prefix_len: length });

function listener(
  name: string,
  more: { readonly [key: string]: Json },
  address: Json = socketAddress(0),
): Json {
  return { name, address, filter_chains: [answering(name, null)], ...more };
}

async function withProxy(
  kind: 'syscall' | 'portable',
  listeners: readonly Json[],
  use: (proxy: RunningProxy) => Promise<void>,
  bootstrap: { readonly [key: string]: Json } = {},
): Promise<void> {
  const proxy = await startProxy({
    staticResources: { listeners, clusters: [] },
    socketInterface: kind,
    bootstrap,
  });
  try {
    await use(proxy);
  } finally {
    await proxy.stop();
  }
}

/** By FIN or by RST: a connection that is closed with bytes unread is reset. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
  });
}

/** The answer to one request on a connection from and to these addresses; '' when the proxy closes it without one. */
async function answerOf(port: number, to: string, from: string): Promise<string> {
  const socket = connect({ port, host: to, localAddress: from });
  socket.setEncoding('latin1').on('error', () => undefined);
  socket.write(get('/', ['connection: close']));
  let text = '';
  socket.on('data', (piece: string) => (text += piece));
  await closeOf(socket);
  return text.slice(text.indexOf('\r\n\r\n') + 4);
}

/** Opens a connection and has it answered, so that it is counted. */
async function openOne(port: number): Promise<RawClient> {
  const client = await RawClient.connect(port);
  assert.equal((await client.ask(get('/'))).status, 200);
  return client;
}

/** A connection that is accepted by the kernel and closed by the limit at once. */
async function refused(port: number): Promise<boolean> {
  const socket: Socket = connect(port, '127.0.0.1');
  let bytes = 0;
  socket.on('data', (piece: Buffer) => (bytes += piece.length)).on('error', () => undefined);
  await closeOf(socket);
  return bytes === 0;
}

for (const kind of INTERFACES) {
  describe(`a listener on the ${kind} interface`, () => {
    test('gives each connection the chain that its addresses ask for, and the log says which', async () => {
      const chains = [
        answering('destination', { prefix_ranges: [range('127.0.0.2', 32)] }),
        answering('office', { source_prefix_ranges: [range('127.1.0.0', 16)] }),
        answering('desk', { source_prefix_ranges: [range('127.1.2.0', 24)] }),
        answering('port', { destination_port: 1, source_type: 'EXTERNAL' }),
      ];
      const fallback = answering('fallback', null);
      const config = listener(
        'chains',
        { filter_chains: chains, default_filter_chain: fallback },
        {
          socket_address: { address: '0.0.0.0', port_value: 0 },
        },
      );
      await withProxy(kind, [config], async (proxy) => {
        const port = proxy.port('chains');
        assert.equal(await answerOf(port, '127.0.0.2', '127.1.2.3'), 'destination');
        assert.equal(await answerOf(port, '127.0.0.1', '127.1.9.9'), 'office');
        assert.equal(await answerOf(port, '127.0.0.1', '127.1.2.3'), 'desk');
        assert.equal(await answerOf(port, '127.0.0.1', '127.0.0.1'), 'fallback');
        const lines = await proxy.logLines(4);
        assert.deepEqual(lines.toSorted(), [
          'desk desk',
          'destination destination',
          'fallback fallback',
          'office office',
        ]);
      });
    });

    test('closes a connection that no chain is for, and counts it', async () => {
      const config = listener('strict', {
        stat_prefix: 'strict',
        filter_chains: [answering('destination', { prefix_ranges: [range('10.0.0.0', 8)] })],
      });
      await withProxy(kind, [config], async (proxy) => {
        assert.equal(await answerOf(proxy.port('strict'), '127.0.0.1', '127.0.0.1'), '');
        const name = 'listener.strict.no_filter_chain_match';
        await eventually(() => proxy.stat(name), 1, name);
      });
    });

    test('serves IPv6, and the chain of an IPv6 range', async () => {
      const six = { socket_address: { address: '::1', port_value: 0 } };
      const config = listener(
        'six',
        { filter_chains: [answering('v6', { prefix_ranges: [range('::1', 128)] }), answering('any', null)] },
        six,
      );
      await withProxy(kind, [config], async (proxy) => {
        assert.equal(await answerOf(proxy.port('six'), '::1', '::1'), 'v6');
      });
    });

    test('takes no more connections than its limit over all workers, the process no more than the global one', async () => {
      const layers = {
        name: 'static',
        static_layer: {
          envoy: { resource_limits: { listener: { small: { connection_limit: 3 } } } },
          overload: { global_downstream_max_connections: 5 },
        },
      };
      const listeners = [
        listener('small', {}),
        listener('large', {}),
        listener('free', { ignore_global_conn_limit: true }),
      ];
      await withProxy(
        kind,
        listeners,
        async (proxy) => {
          const [small, large, free] = ['small', 'large', 'free'].map((name) => proxy.port(name));
          assert.ok(small !== undefined && large !== undefined && free !== undefined);
          const open = [await openOne(small), await openOne(small), await openOne(small)];
          assert.ok(await refused(small), 'the fourth of three');
          open.push(await openOne(large), await openOne(large));
          assert.ok(await refused(large), 'the sixth of five');
          open.push(await openOne(free));
          const overflow = async (of: string): Promise<number> => {
            const text = await proxy.admin(`/stats?filter=${of}`);
            return [...text.matchAll(/: (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
          };
          await eventually(
            () => overflow('downstream_cx_overflow'),
            1,
            'connections beyond the listener’s limit',
          );
          await eventually(
            () => overflow('downstream_global_cx_overflow'),
            1,
            'connections beyond the global limit',
          );
          // What ends makes room, on whichever worker.
          open[0]?.destroy();
          await eventually(() => proxy.stat('http.small.downstream_cx_active'), 2, 'the end was seen');
          open.push(await openOne(small));
          for (const client of open) client.destroy();
        },
        { layered_runtime: { layers: [layers] } },
      );
    });
  });
}
