/**
 * The access log of a listener: a line for each connection at its end, with all bytes of its requests, and one for each connection that
 * no filter chain takes.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { fileLog, httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { get, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const STRANGER = '127.0.0.66';
const FORMAT =
  'L %CONNECTION_ID% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %BYTES_RECEIVED% %DOWNSTREAM_WIRE_BYTES_SENT% %DURATION% %FILTER_CHAIN_NAME% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %PROTOCOL% %LEDGER%\n';

for (const socketInterface of INTERFACES) {
  describe(`a listener's log on the ${socketInterface} interface`, () => {
    const upstream = createServer((_incoming, outgoing) => outgoing.end('hello'));
    let proxy: RunningProxy;
    before(async () => {
      upstream.listen(0, '127.0.0.1');
      await once(upstream, 'listening');
      const { port } = upstream.address() as AddressInfo;
      const resources = httpProxyTo([port], {
        format: 'H %CONNECTION_ID% %DOWNSTREAM_WIRE_BYTES_SENT%\n',
        listener: { access_log: [fileLog('access.log', FORMAT)] },
        chain: {
          name: 'ours',
          filter_chain_match: { source_prefix_ranges: [{ address_prefix: '127.0.0.1', prefix_len: 32 }] },
        },
      });
      proxy = await startProxy({ staticResources: resources, socketInterface });
    });
    after(async () => {
      upstream.close();
      await proxy.stop();
    });

    test('has one line for a connection of two requests, behind theirs, with the bytes of both', async () => {
      const client = await RawClient.connect(proxy.port('http'));
      const request = get('/');
      for (let count = 0; count < 2; count += 1) await client.ask(request);
      client.destroy();
      const lines = await proxy.logLines(3);
      const [first = '', second = '', last = ''] = lines;
      assert.match(first, /^H \d+ \d+$/);
      const sent = [first, second].reduce((sum, line) => sum + Number(line.split(' ')[2]), 0);
      const [, id] = first.split(' ');
      assert.match(
        last,
        new RegExp(`^L ${id} - - ${2 * request.length} ${sent} \\d+ ours 127\\.0\\.0\\.1 - -$`),
      );
    });

    test('tells of a connection that no chain takes', async () => {
      const stranger = connect({ port: proxy.port('http'), host: '127.0.0.1', localAddress: STRANGER });
      stranger.on('error', () => undefined).resume();
      await once(stranger, 'close');
      const line = (await proxy.logLines(4)).at(-1) ?? '';
      assert.match(line, /^L 0 NR filter_chain_not_found 0 0 \d+ - 127\.0\.0\.66 - -$/);
    });
  });
}
