/**
 * The end of a busy process: SIGTERM under load cuts no answer off, lets a long request end, and is over by the drain time.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { startRawService } from '../support/lab-server.ts';
import type { RawExchange, RawService } from '../support/lab-server.ts';
import { untilStat } from '../support/instrumented.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { get, headerOf, pause, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const BODY = 'x'.repeat(20_000);
const CLIENTS = 24;
/** Answers before the signal, so that it comes in the middle of the load. */
const WARM_ANSWERS = 500;
/** What the proxy grants a connection between two requests: `DRAIN_LINGER_MS`. */
const LINGER_MS = 100;

let upstream: RawService | null = null;
let proxy: RunningProxy | null = null;
afterEach(async () => {
  proxy?.kill('SIGKILL');
  await upstream?.stop();
  proxy = null;
  upstream = null;
});

async function start(
  answer: (exchange: RawExchange) => void,
  socketInterface: 'syscall' | 'portable',
  args: readonly string[] = [],
): Promise<RunningProxy> {
  upstream = await startRawService(answer);
  proxy = await startProxy({
    socketInterface,
    args,
    staticResources: httpProxyTo([upstream.port], {
      format: '%REQ(X-ID)% %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_SENT%',
      route: { timeout: '0s' },
    }),
  });
  return proxy;
}

interface Load {
  answered: number;
  /** Connections that closed in the middle of an answer. */
  cut: number;
  /** Answers that said `connection: close`. */
  farewells: number;
}

/** Asks as fast as it is answered until an answer says `connection: close`, or its connection is closed without. */
async function askUntilClosed(port: number, name: string, load: Load): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined).setEncoding('latin1');
  await once(socket, 'connect');
  let received = '';
  let count = 0;
  const ask = (): void => void socket.write(get('/', [`x-id: ${name}-${count}`]));
  socket.on('data', (text: string) => {
    received += text;
    const headEnd = received.indexOf('\r\n\r\n');
    if (headEnd < 0 || received.length < headEnd + 4 + BODY.length) return;
    const last = headerOf(received.slice(0, headEnd), 'connection') === 'close';
    received = '';
    load.answered += 1;
    count += 1;
    if (last) {
      load.farewells += 1;
      socket.end();
    } else ask();
  });
  ask();
  await once(socket, 'close');
  if (received !== '') load.cut += 1;
}

/** `stop` gives the longest time in ms that this process was away. */
function stallWatch(): { readonly stop: () => number } {
  const beat = 5;
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - beat);
    last = now;
  }, beat);
  return {
    stop: () => {
      clearInterval(timer);
      return Math.max(longest, performance.now() - last - beat);
    },
  };
}

for (const socketInterface of INTERFACES) {
  test(`SIGTERM under load cuts no answer off, and the log has each of them whole (${socketInterface})`, async () => {
    const slow = Promise.withResolvers<RawExchange>();
    const answer = `HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
    const running = await start((exchange) => {
      if (exchange.head.startsWith('GET /slow')) slow.resolve(exchange);
      else exchange.socket.write(answer);
    }, socketInterface);
    const port = running.port('http');
    const long = await RawClient.connect(port);
    long.write(get('/slow', ['x-id: long']));
    const { socket } = await slow.promise;
    const load: Load = { answered: 0, cut: 0, farewells: 0 };
    const clients = Array.from({ length: CLIENTS }, (_, index) => askUntilClosed(port, `c${index}`, load));
    while (load.answered < WARM_ANSWERS) await pause(5);
    const stall = stallWatch();
    running.kill('SIGTERM');
    await Promise.all(clients);
    assert.equal(load.cut, 0);
    // Clients that this process held up were idle for the proxy.
    if (stall.stop() < LINGER_MS / 2) assert.equal(load.farewells, CLIENTS, 'no request went unanswered');
    assert.ok(load.farewells > 0);
    // All others have gone; the long one is still served, and ends the process.
    assert.equal(await Promise.race([running.exited(), pause(100).then(() => 'serving')]), 'serving');
    socket.write(answer);
    const last = await long.response();
    assert.deepEqual([last.status, last.body.length], [200, BODY.length]);
    assert.equal(headerOf(last.head, 'connection'), 'close');
    long.end();
    assert.equal(await running.exited(), 0);
    const lines = readFileSync(join(running.folder, 'access.log'), 'utf8').trimEnd().split('\n');
    const good = lines.filter((line) => line.endsWith(` 200 - ${BODY.length}`));
    assert.equal(good.length, load.answered + 1);
    await running.stop();
  });

  test(`a request that never ends is cut off by --drain-time-s (${socketInterface})`, async () => {
    const running = await start(() => undefined, socketInterface, ['--drain-time-s', '1']);
    const client = await RawClient.connect(running.port('http'));
    client.write(get('/never', ['x-id: never']));
    await untilStat(running, 'cluster.upstream.upstream_rq_active', 1);
    const begun = performance.now();
    running.kill('SIGTERM');
    await client.closed();
    assert.equal(await running.exited(), 0);
    assert.ok(performance.now() - begun >= 990, 'not before its time');
    assert.match(readFileSync(join(running.folder, 'access.log'), 'utf8'), /^never 0 /);
    await running.stop();
  });
}
