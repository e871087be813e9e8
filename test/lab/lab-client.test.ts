/** The client of the labs: whole answers however they are framed and cut, one after the other, and closes that end a wait. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { get, LabClient, uploadHead } from '../../src/lab/lab-client.ts';
import { listening } from '../../src/lab/service.ts';
import type { Service } from '../../src/lab/lab.ts';

describe('a client of a lab', () => {
  const server: Server = createServer({ noDelay: true });
  let service: Service;
  let pieces: readonly string[] = [];
  let thenClose = false;
  before(async () => {
    server.on('connection', (socket: Socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', () => void send(socket));
    });
    service = await listening(server);
  });
  after(() => service.stop());

  /** Each piece in a write of its own, the next one when the kernel has taken it. */
  async function send(socket: Socket): Promise<void> {
    for (const piece of pieces) {
      await new Promise<void>((resolve) => {
        socket.write(piece, () => setImmediate(resolve));
      });
    }
    if (thenClose) socket.destroy();
  }

  async function ask(answer: readonly string[], close = false) {
    pieces = answer;
    thenClose = close;
    const client = await LabClient.open(service.port);
    const first = await client.ask(get('/'));
    client.close();
    return first;
  }

  test('counts a body by its length, however it is cut', async () => {
    const answer = await ask(['HTTP/1.1 200 OK\r\ncontent-', 'length: 6\r\n\r', '\nhel', 'lo\n']);
    assert.deepEqual([answer.status, answer.bodyBytes], [200, 6]);
  });

  test('sees the end of a chunked body', async () => {
    const answer = await ask([
      'HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n',
      '0\r',
      '\n\r\n',
    ]);
    assert.equal(answer.status, 201);
  });

  test('takes an answer without body as whole with its head', async () => {
    assert.equal((await ask(['HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'])).status, 200);
  });

  test('ends its wait when the connection is closed: before an answer with status 0', async () => {
    assert.equal((await ask([], true)).status, 0);
    assert.equal((await ask(['HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf'], true)).bodyBytes, 4);
  });

  test('keeps the answers of one connection apart', async () => {
    pieces = ['HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na'];
    thenClose = false;
    const client = await LabClient.open((server.address() as AddressInfo).port);
    const first = await client.ask(get('/'));
    pieces = ['HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nbb'];
    const second = await client.ask(get('/'));
    assert.deepEqual([first.status, first.bodyBytes, second.status, second.bodyBytes], [200, 1, 404, 2]);
    client.close();
  });

  test('reads nothing while it is paused', async () => {
    pieces = ['HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na'];
    const client = await LabClient.open(service.port);
    client.pause();
    let answered = false;
    const answer = client.ask(get('/')).then(() => (answered = true));
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(answered, false);
    client.resume();
    await answer;
    client.close();
  });
});

test('heads end with an empty line and carry what was asked for', () => {
  assert.equal(get('/a', ['x: 1']), 'GET /a HTTP/1.1\r\nhost: lab\r\nx: 1\r\n\r\n');
  assert.equal(uploadHead('/b', 3), 'POST /b HTTP/1.1\r\nhost: lab\r\ncontent-length: 3\r\n\r\n');
});
