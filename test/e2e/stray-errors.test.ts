/** What a script does wrong where no request waits for it: its error, counted and logged, and the worker serves on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { javascriptFilter, untilSaid, untilStat } from '../support/instrumented.ts';
import { startRawService } from '../support/lab-server.ts';
import { within } from '../support/pattern.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import { get, RawClient } from '../support/raw-client.ts';
import { DEAD_PORT } from '../support/tcp-upstream.ts';

const GUARD_MS = 30_000;
const STRAY = new URL('../support/filters/stray.js', import.meta.url).pathname;
const WAYS = [
  ['timer', /stray: outside of any request: Error: stray timer\n {4}at .*stray\.js/],
  ['reject', /stray: outside of any request: Error: stray rejection\n {4}at .*stray\.js/],
  ['value', /stray: outside of any request: .*stray text/],
  ['event', /stray: outside of any request: Error: connect ECONNREFUSED/],
  ['misuse', /stray: outside of any request: RangeError: status NaN is not between/],
  ['text', /stray: outside of any request: InvariantError: header text holds CR/],
  ['body', /stray: outside of any request: ScriptError: the body can be asked for only/],
] as const;

test('errors of a script’s own timers, promises and events end no worker', (t) =>
  within(
    GUARD_MS,
    'the requests',
    (async () => {
      const upstream = await startRawService(({ socket }) =>
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'),
      );
      const proxy = await startProxy({
        concurrency: 1,
        staticResources: httpProxyTo([upstream.port], {
          filters: [javascriptFilter('stray', STRAY)],
          format: '%THREAD_ID% %RESPONSE_CODE%',
        }),
      });
      const client = await RawClient.connect(proxy.port('http'));
      t.after(async () => {
        client.destroy();
        await upstream.stop();
        await proxy.stop();
      });
      const port = DEAD_PORT;
      for (const [index, [way, line]] of WAYS.entries()) {
        const request = get('/', [`x-stray: ${way}`, `x-port: ${port}`, 'x-wait: 1']);
        assert.equal((await client.ask(request)).status, 200, way);
        await untilStat(proxy, 'http.ingress.javascript.errors', index + 1);
        await untilSaid(proxy, line);
      }
      const threads = new Set((await proxy.logLines(WAYS.length)).map((line) => line.split(' ')[0]));
      assert.equal(threads.size, 1, proxy.output);
      assert.doesNotMatch(proxy.output, /crashed/);
    })(),
  ));
