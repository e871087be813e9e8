import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderList } from '../../src/codec/header-map.ts';
import { isGrpc, makeLocalReply } from '../../src/http/local-reply.ts';
import { HttpBench, parse } from './support/http-bench.ts';

function entries(headers: HeaderList): string[] {
  const all: string[] = [];
  for (let index = 0; index < headers.size; index += 1)
    all.push(`${headers.nameAt(index)}: ${headers.valueAt(index)}`);
  return all;
}

function request(type: string | null, method = 'GET'): HeaderList {
  const headers = HeaderList.request(method, '/', 'h');
  if (type !== null) headers.set('content-type', type);
  return headers;
}

test('a reply with a body says its length in bytes and that it is text', () => {
  const { headers, body } = makeLocalReply(503, 'närrisch', request(null));
  assert.deepEqual(entries(headers as HeaderList), ['content-length: 9', 'content-type: text/plain']);
  assert.equal(body, 'närrisch');
});

test('a reply without a body has no content-type', () => {
  const { headers } = makeLocalReply(404, '', request(null));
  assert.equal(headers.get('content-type'), null);
});

test('HEAD gets the head of the reply and no body', () => {
  const bench = new HttpBench();
  bench.receive('HEAD / HTTP/1.1\r\nhost: h\r\n\r\n');
  bench.terminal.callbacks.sendLocalReply(503, 'no healthy upstream', 'no_healthy_upstream');
  const { headers, body } = parse(bench.answer());
  assert.ok(headers.includes('content-length: 19'));
  assert.equal(body, '');
});

test('the caller may add headers and change them', () => {
  const { headers } = makeLocalReply(503, 'x', null, (reply) => reply.set('content-type', 'text/html'));
  assert.equal(headers.get('content-type'), 'text/html');
});

const GRPC: readonly [number, string][] = [
  [400, '13'],
  [401, '16'],
  [403, '7'],
  [404, '12'],
  [429, '14'],
  [502, '14'],
  [503, '14'],
  [504, '14'],
  [500, '2'],
  [413, '2'],
];

for (const [status, grpc] of GRPC) {
  test(`to a gRPC request ${status} is said as grpc-status ${grpc}`, () => {
    const { headers, body } = makeLocalReply(status, '100% no\n', request('application/grpc+proto'));
    assert.equal(headers.status, 200);
    assert.deepEqual(entries(headers as HeaderList), [
      'content-type: application/grpc',
      `grpc-status: ${grpc}`,
      'grpc-message: 100%25 no%0A',
    ]);
    assert.equal(body, '');
  });
}

test('gRPC is told by its content type alone', () => {
  for (const type of ['application/grpc', 'application/grpc+json', 'application/grpc; a=b']) {
    assert.equal(isGrpc(request(type)), true, type);
  }
  for (const type of ['application/grpc-web', 'application/grpcx', 'text/plain', null]) {
    assert.equal(isGrpc(request(type)), false, String(type));
  }
});

test('a reply behind a head that has gone is a reset that keeps its details', () => {
  const bench = new HttpBench();
  bench.receive('GET / HTTP/1.1\r\nhost: h\r\n\r\n');
  bench.dispatcher.run(() => {
    bench.terminal.callbacks.encodeHeaders(HeaderList.response(200), false);
    bench.terminal.callbacks.sendLocalReply(504, 'late', 'too_late');
  });
  assert.equal(bench.log[0]?.details, 'too_late');
  assert.equal(bench.log[0]?.code, 200);
  assert.notEqual(bench.connection.closedBy, null);
});
