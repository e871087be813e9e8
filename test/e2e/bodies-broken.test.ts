/**
 * Bodies that end before they should: an upstream that dies in the middle is seen by the client as a cut-off transfer and never as a
 * clean end, a client that leaves is told to the upstream, and no gauge keeps what is gone.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { eventually, KIB, MIB, patternAt, PatternCheck, within, writePattern } from '../support/pattern.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { startRawUpstream } from '../support/raw-bodies.ts';
import type { RawUpstream } from '../support/raw-bodies.ts';
import { ResponseReader } from '../support/response-reader.ts';
import { INTERFACES } from '../support/thread.ts';

const GUARD_MS = 20_000;
const FORMAT =
  '%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% [%RESPONSE_FLAGS%] %RESPONSE_CODE_DETAILS% %BYTES_RECEIVED% %BYTES_SENT% "%UPSTREAM_READ_DURATION%" "%DOWNSTREAM_WRITE_DURATION%" %LEDGER%';
const SENT_BYTES = 300 * KIB;

type Death = 'fin' | 'reset';
/** `chunked`: in the middle of a chunk; `chunks`: between two, where only the last chunk is missing. */
type Framing = 'length' | 'chunked' | 'chunks';
const DEATHS: readonly Death[] = ['fin', 'reset'];

interface Seen {
  readonly reader: ResponseReader;
  /** How the connection ended: by FIN, or by an error. */
  readonly end: string;
}

for (const socketInterface of INTERFACES) {
  describe(`broken bodies on the ${socketInterface} interface`, () => {
    let upstream: RawUpstream;
    let proxy: RunningProxy;
    let onHead: (socket: Socket, head: string, rest: Buffer) => void = () => undefined;
    before(async () => {
      upstream = await startRawUpstream((socket, head, rest) => onHead(socket, head, rest));
      proxy = await startProxy({
        socketInterface,
        staticResources: httpProxyTo([upstream.port], { format: FORMAT }),
      });
    });
    after(async () => {
      upstream.stop();
      await proxy.stop();
    });

    /** Sends a request and reads until the connection ends. */
    async function see(text: string): Promise<Seen> {
      const socket = connect({ port: proxy.port('http'), host: '127.0.0.1', noDelay: true });
      const reader = new ResponseReader();
      let end = '';
      socket.on('data', (bytes: Buffer) => reader.push(bytes));
      socket
        .on('end', () => (end = 'fin'))
        .on('error', (error: NodeJS.ErrnoException) => (end = error.code ?? 'error'));
      socket.write(text);
      await within(
        GUARD_MS,
        'the end of the connection',
        new Promise((resolve) => socket.once('close', resolve)),
      );
      return { reader, end };
    }

    async function nothingLeft(): Promise<void> {
      for (const gauge of [
        'http.ingress.downstream_cx_active',
        'http.ingress.downstream_rq_active',
        'cluster.upstream.upstream_cx_active',
        'cluster.upstream.upstream_rq_active',
      ])
        await eventually(() => proxy.stat(gauge), 0, gauge);
    }

    for (const death of DEATHS) {
      for (const framing of ['length', 'chunked', 'chunks'] as const) {
        test(`an upstream that dies by ${death} in a body framed by ${framing} cuts the client’s transfer off`, async () => {
          const path = `/${death}-${framing}`;
          onHead = (socket) => void half(socket, framing, death);
          const { reader, end } = await see(`GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`);
          assert.equal(reader.responses.length, 0, 'the response looks complete');
          assert.match(reader.current?.head ?? '', /^HTTP\/1\.1 200 /);
          assert.equal(reader.current?.body.wrongAt, -1);
          // With FIN everything that was sent must arrive; a reset may throw away what had not been read.
          if (death === 'fin') assert.equal(reader.current?.body.received, SENT_BYTES);
          assert.ok(['fin', 'ECONNRESET'].includes(end), end);
          const line = await proxy.logLine(new RegExp(`^GET ${path} `));
          assert.match(line, /^GET \S+ 200 \[UC\] upstream_reset_after_response_started\{\S+\} 0 \d+ "/);
          await nothingLeft();
        });
      }
    }

    test('an upstream that closes ends a body that has no framing, cleanly', async () => {
      onHead = (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        void writePattern(socket, 0, SENT_BYTES).then(() => socket.end());
      };
      const { reader } = await see('GET /unframed HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n');
      assert.equal(String(reader.responses[0]?.body), String(SENT_BYTES));
      assert.match(await proxy.logLine(/^GET \/unframed /), /^GET \S+ 200 \[-\] via_upstream 0 307200 /);
      await nothingLeft();
    });

    test('an upstream that dies before it answers leaves a 503 with UC, and the connection lives', async () => {
      onHead = (socket) => socket.resetAndDestroy();
      const socket = connect({ port: proxy.port('http'), host: '127.0.0.1' });
      socket.write('POST /early HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nabc');
      const [first] = (await once(socket, 'data')) as [Buffer];
      assert.match(String(first), /^HTTP\/1\.1 503 /);
      onHead = (again) => again.write('HTTP/1.1 204 No Content\r\n\r\n');
      socket.write('GET /after HTTP/1.1\r\nhost: test\r\n\r\n');
      const [second] = (await once(socket, 'data')) as [Buffer];
      assert.match(String(second), /^HTTP\/1\.1 204 /);
      socket.destroy();
      for (const each of upstream.sockets) each.destroy();
      assert.match(
        await proxy.logLine(/^POST \/early /),
        /^POST \S+ 503 \[UC\] upstream_reset_before_response_started/,
      );
      await nothingLeft();
    });

    for (const death of DEATHS) {
      test(`a client that leaves by ${death} in the middle of its upload is told to the upstream, with DC`, async () => {
        const path = `/upload-${death}`;
        const check = new PatternCheck();
        const begun = Promise.withResolvers<void>();
        const gone = Promise.withResolvers<void>();
        onHead = (socket, _head, rest) => {
          check.push(rest);
          socket.on('data', (bytes: Buffer) => {
            check.push(bytes);
            if (check.received >= SENT_BYTES) begun.resolve();
          });
          socket.on('end', () => socket.end()).on('close', () => gone.resolve());
          socket.resume();
        };
        const client = connect({ port: proxy.port('http'), host: '127.0.0.1' });
        client.on('error', () => undefined);
        client.write(`POST ${path} HTTP/1.1\r\nhost: test\r\ncontent-length: ${MIB}\r\n\r\n`);
        await writePattern(client, 0, SENT_BYTES);
        await within(GUARD_MS, 'the first part', begun.promise);
        if (death === 'reset') client.resetAndDestroy();
        else client.destroy();
        await within(GUARD_MS, 'the end at the upstream', gone.promise);
        assert.equal(String(check), String(SENT_BYTES));
        const line = await proxy.logLine(new RegExp(`^POST ${path} `));
        assert.match(line, /^POST \S+ 0 \[DC\] downstream_remote_disconnect 307200 0 /);
        await nothingLeft();
      });
    }

    test('a client that leaves in the middle of a download ends it at the upstream, with DC', async () => {
      const gone = Promise.withResolvers<void>();
      onHead = (socket) => {
        socket.on('close', () => gone.resolve());
        socket.resume();
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${256 * MIB}\r\n\r\n`);
        void writePattern(socket, 0, 256 * MIB);
      };
      const client = connect({ port: proxy.port('http'), host: '127.0.0.1' });
      client.on('error', () => undefined);
      client.write('GET /left HTTP/1.1\r\nhost: test\r\n\r\n');
      await once(client, 'data');
      client.resetAndDestroy();
      await within(GUARD_MS, 'the end at the upstream', gone.promise);
      assert.match(
        await proxy.logLine(/^GET \/left /),
        /^GET \S+ 200 \[DC\] downstream_remote_disconnect 0 \d+ /,
      );
      await nothingLeft();
    });

    test('an answer before the whole upload reaches the client, and the rest of the upload does no harm', async () => {
      onHead = (socket) => {
        socket.resume();
        socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 4\r\n\r\nfull');
      };
      const client = connect({ port: proxy.port('http'), host: '127.0.0.1' });
      client.on('error', () => undefined);
      client.write(`POST /refused HTTP/1.1\r\nhost: test\r\ncontent-length: ${64 * MIB}\r\n\r\n`);
      client.write(patternAt(0, 65_536));
      const [answer] = (await once(client, 'data')) as [Buffer];
      assert.match(String(answer), /^HTTP\/1\.1 413 [\s\S]*\r\nfull$/);
      await writePattern(client, 65_536, 64 * MIB);
      client.destroy();
      await proxy.logLine(/^POST \/refused 413 /);
      await nothingLeft();
    });

    test('100 broken transfers at once leave no connection, no request and no slot behind', async () => {
      let count = 0;
      onHead = (socket) => {
        count += 1;
        void half(socket, count % 2 === 0 ? 'length' : 'chunked', count % 3 === 0 ? 'reset' : 'fin');
      };
      const seen = await Promise.all(
        Array.from({ length: 100 }, () => see('GET /many HTTP/1.1\r\nhost: test\r\n\r\n')),
      );
      assert.equal(
        seen.filter(
          ({ reader }) => reader.responses.length > 0 && reader.responses[0]?.head.startsWith('HTTP/1.1 200'),
        ).length,
        0,
      );
      await nothingLeft();
      assert.equal(await proxy.stat('cluster.upstream.upstream_rq_pending_active'), 0);
    });
  });
}

/** A response of 1 MiB of which `SENT_BYTES` are sent. */
async function half(socket: Socket, framing: Framing, death: Death): Promise<void> {
  const head = framing === 'length' ? `content-length: ${MIB}` : 'transfer-encoding: chunked';
  socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n`);
  if (framing !== 'length') socket.write(`${(framing === 'chunked' ? MIB : SENT_BYTES).toString(16)}\r\n`);
  await writePattern(socket, 0, SENT_BYTES);
  if (framing === 'chunks') socket.write('\r\n');
  if (death === 'fin') socket.end();
  else socket.resetAndDestroy();
}
