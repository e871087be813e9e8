/**
 * What a pause leaves in the log, with buffers of 32 KiB as in `config/flow-control-small-buffers.yaml`: the mark `!n` where reads went
 * off, `+ms<t>` where they came back, the time in the ledger under the side that was slow, and the verdict.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { fillUntilPaused } from '../support/fill.ts';
import { patternAt, within } from '../support/pattern.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { readHead, startRawUpstream } from '../support/raw-bodies.ts';
import type { RawUpstream } from '../support/raw-bodies.ts';
import { pause } from '../support/raw-client.ts';
import { ResponseReader } from '../support/response-reader.ts';
import { SlowPeer } from '../support/slow-peer.ts';
import { INTERFACES } from '../support/thread.ts';

const GUARD_MS = 25_000;
const LIMIT_BYTES = 32_768;
/** Behind the pause: little enough that the reads around the pause are among the last that a line keeps. */
const TAIL_BYTES = 1000;
const HELD_MS = 300;
const FORMAT =
  '%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %DURATION% r"%DOWNSTREAM_READ_DURATION%" w"%UPSTREAM_WRITE_DURATION%" u"%UPSTREAM_READ_DURATION%" d"%DOWNSTREAM_WRITE_DURATION%" L[%LEDGER%] V[%VERDICT%]';

for (const socketInterface of INTERFACES) {
  describe(`the log of a pause on the ${socketInterface} interface`, () => {
    let upstream: RawUpstream;
    let proxy: RunningProxy;
    let onHead: (socket: Socket, head: string, rest: Buffer) => void = () => undefined;
    before(async () => {
      upstream = await startRawUpstream((socket, head, rest) => onHead(socket, head, rest));
      proxy = await startProxy({
        socketInterface,
        concurrency: 1,
        staticResources: httpProxyTo([upstream.port], {
          format: FORMAT,
          listener: { per_connection_buffer_limit_bytes: LIMIT_BYTES },
          cluster: { per_connection_buffer_limit_bytes: LIMIT_BYTES },
        }),
      });
    });
    after(async () => {
      upstream.stop();
      await proxy.stop();
    });

    function finish(socket: Socket, sent: number): void {
      const tail = patternAt(sent, TAIL_BYTES);
      socket.write(`${tail.length.toString(16)}\r\n`);
      socket.write(tail);
      socket.write('\r\n0\r\n\r\n');
    }

    test('a client that does not read: upstream reads are off, and the time is flow.downstream', () =>
      within(
        GUARD_MS,
        'the download',
        (async () => {
          const served = new Promise<Socket>((resolve) => {
            onHead = resolve;
          });
          const reader = new ResponseReader();
          const { promise, resolve } = Promise.withResolvers<void>();
          const client = await SlowPeer.connect(proxy.port('http'), (bytes) => {
            reader.push(bytes);
            if (reader.responses.length === 1) resolve();
          });
          client.socket.write('GET /down HTTP/1.1\r\nhost: test\r\n\r\n');
          const socket = await served;
          socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
          const sent = await fillUntilPaused(proxy, socket, 'cluster.upstream.upstream_flow_control');
          await pause(HELD_MS);
          finish(socket, sent);
          // The pool gives this connection to the next test.
          readHead(socket, (again, head, rest) => onHead(again, head, rest));
          await pause(50);
          client.drain();
          await promise;
          assert.equal(String(reader.responses[0]?.body), String(sent + TAIL_BYTES));
          client.socket.destroy();
          checkLine(await proxy.logLine(/^GET \/down 200 /), 'u', 'flow.downstream');
        })(),
      ));

    test('an upstream that does not read: downstream reads are off, and the time is flow.upstream', () =>
      within(
        GUARD_MS,
        'the upload',
        (async () => {
          const served = new Promise<Socket>((resolve) => {
            onHead = resolve;
          });
          const client = await SlowPeer.connect(proxy.port('http'), () => undefined);
          client.socket.write('PUT /up HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n');
          const socket = await served;
          const sent = await fillUntilPaused(proxy, client.socket, 'http.ingress.downstream_flow_control');
          await pause(HELD_MS);
          finish(client.socket, sent);
          await pause(50);
          const answered = once(client.socket.resume(), 'data');
          const all = new Promise<void>((resolve) => {
            let last = '';
            socket.on('data', (bytes: Buffer) => {
              last = (last + bytes.toString('latin1', Math.max(0, bytes.length - 8))).slice(-8);
              if (last.endsWith('\r\n0\r\n\r\n')) resolve();
            });
          });
          socket.resume();
          await all;
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
          await answered;
          client.socket.destroy();
          checkLine(await proxy.logLine(/^PUT \/up 200 /), 'r', 'flow.upstream');
        })(),
      ));
  });
}

/** The pause is in the group of the side that was switched off, in the ledger, and the ledger adds up. */
function checkLine(line: string, group: 'u' | 'r', segment: 'flow.downstream' | 'flow.upstream'): void {
  const marks = new RegExp(` ${group}"([^"]*)"`).exec(line)?.[1] ?? '';
  assert.match(marks, /\]D!1-/, line);
  const pauses = [...marks.matchAll(/\+(\d+)<\d\d:\d\d\.\d{3}>/g)].map((match) => Number(match[1]));
  const longest = Math.max(...pauses);
  assert.ok(longest >= HELD_MS, line);
  const ledger = new Map(
    (/L\[([^\]]*)\]/.exec(line)?.[1] ?? '').split(',').map((entry) => {
      const [name = '', us] = entry.split('=');
      return [name, Number(us)];
    }),
  );
  assert.ok((ledger.get(segment) ?? 0) >= longest * 1000, line);
  const total = [...ledger.values()].reduce((sum, us) => sum + us, 0);
  assert.equal(Math.floor(total / 1000), Number(/ 200 (\d+) /.exec(line)?.[1]), line);
  const [largest] = [...ledger].reduce((left, right) => (right[1] > left[1] ? right : left));
  assert.match(line, new RegExp(`V\\[${RegExp.escape(largest)} \\d+\\.\\dms \\d+%\\]`), line);
}
