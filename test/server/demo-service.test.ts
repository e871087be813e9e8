import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { startDemoService, startRawService } from '../support/lab-server.ts';
import type { DemoService } from '../support/lab-server.ts';

let service: DemoService;

before(async () => {
  service = await startDemoService('demo');
});

after(() => service.stop());

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

function ask(path: string, body: Buffer | null = null): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === null ? 'GET' : 'POST';
    const request = httpRequest({ port: service.port, path, method }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(pieces),
        }),
      );
    });
    request.on('error', reject);
    request.end(body ?? undefined);
  });
}

test('sizes are those of the samples: 12, N + 1 and 1001 bytes', async () => {
  assert.equal((await ask('/')).body.length, 12);
  assert.equal((await ask('/large?length=100000')).body.length, 100_001);
  const split = await ask('/split?delay=5');
  assert.equal(split.body.length, 1001);
  assert.equal(split.headers['transfer-encoding'], 'chunked');
  assert.equal((await ask('/large?length=0')).body.toString(), '\n');
});

test('a large answer of several megabytes is whole', async () => {
  const { body, headers } = await ask('/large?length=5000000');
  assert.equal(body.length, 5_000_001);
  assert.equal(headers['content-length'], '5000001');
});

test('status answers with the code that was asked for', async () => {
  assert.equal((await ask('/status?code=503')).status, 503);
  assert.equal((await ask('/status?code=204')).body.length, 0);
  assert.equal((await ask('/status?code=nonsense')).status, 200);
  assert.equal((await ask('/nothing')).status, 404);
});

test('echo gives the body back; with hash it tells length and hash', async () => {
  const body = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
  assert.deepEqual((await ask('/echo', body)).body, body);
  const sha256 = createHash('sha256').update(body).digest('hex');
  assert.deepEqual(JSON.parse((await ask('/echo?hash=1', body)).body.toString()), { bytes: 200_000, sha256 });
  assert.deepEqual(JSON.parse((await ask('/upload?rate=100000000', body)).body.toString()), {
    bytes: 200_000,
    sha256,
  });
});

test('close ends the connection without an answer', async () => {
  await assert.rejects(ask('/close'), /socket hang up|ECONNRESET/);
});

test('websocket messages of all sizes come back as they were', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${service.port}/any`);
  const messages = ['', 'text', 'x'.repeat(125), 'y'.repeat(126), 'z'.repeat(70_000)];
  const received: string[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => {
      for (const message of messages) socket.send(message);
    });
    socket.on('message', (data: Buffer) => {
      received.push(data.toString());
      if (received.length === messages.length) socket.close(1000, 'done');
    });
    socket.on('close', (code) => {
      assert.equal(code, 1000);
      resolve();
    });
  });
  assert.deepEqual(received, messages);
});

test('a websocket frame without a mask is a protocol error', async () => {
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const pieces: Buffer[] = [];
    const socket = connect(service.port, '127.0.0.1');
    socket.write(
      'GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    socket.write(Buffer.from([0x81, 0x01, 0x41]));
    socket.on('data', (data: Buffer) => pieces.push(data));
    socket.on('error', reject);
    socket.on('end', () => {
      socket.end();
      resolve(Buffer.concat(pieces));
    });
  });
  assert.deepEqual([...answer.subarray(-4)], [0x88, 2, 0x03, 0xea]);
});

test('the raw service hands its script each request with its body and sends exactly what it is told', async () => {
  const raw = await startRawService(({ socket, head, body, number }) => {
    socket.write(`${number}:${head.split('\r\n')[0]}:${body.toString()}\n`);
    if (number === 2) socket.end();
  });
  const answer = await new Promise<string>((resolve, reject) => {
    let text = '';
    const socket = connect(raw.port, '127.0.0.1');
    socket.write('POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n');
    socket.write('\r\n');
    socket.on('data', (data: Buffer) => {
      text += data.toString();
    });
    socket.on('error', reject);
    socket.on('end', () => {
      socket.end();
      resolve(text);
    });
  });
  assert.equal(answer, '1:POST /a HTTP/1.1:abc\n2:GET /b HTTP/1.1:\n');
  await raw.stop();
});
