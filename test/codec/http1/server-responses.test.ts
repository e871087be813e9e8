/** What the server codec writes: framing by status, method and version, connection fields, header case, hostile header maps. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { bytesOf, EMPTY } from '../../../src/buffer/bytes.ts';
import { HeaderList } from '../../../src/codec/header-map.ts';
import type { Http1ServerSettings } from '../../../src/codec/http1/settings.ts';
import { ServerSide, wire } from '../recording.ts';

const GET = wire('GET / HTTP/1.1\nHost: a\n\n');
const HEAD = wire('HEAD / HTTP/1.1\nHost: a\n\n');
const OLD = wire('GET / HTTP/1.0\nHost: a\n\n');
const OLD_KEPT = wire('GET / HTTP/1.0\nHost: a\nConnection: keep-alive\n\n');

interface Case {
  readonly title: string;
  readonly request: string;
  readonly status: number;
  readonly fields?: readonly (readonly [string, string])[];
  readonly body?: readonly string[];
  readonly expected: string;
  readonly close?: boolean;
  readonly settings?: Partial<Http1ServerSettings>;
}

const LENGTH = [['content-length', '2']] as const;
const CASES: readonly Case[] = [
  {
    title: 'no body gets length zero',
    request: GET,
    status: 200,
    expected: 'HTTP/1.1 200 OK\ncontent-length: 0\n\n',
  },
  {
    title: 'a length stays',
    request: GET,
    status: 200,
    fields: LENGTH,
    body: ['hi'],
    expected: 'HTTP/1.1 200 OK\ncontent-length: 2\n\nhi',
  },
  {
    title: 'no length is chunked',
    request: GET,
    status: 200,
    body: ['hello', ' world'],
    expected: 'HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n5\nhello\n6\n world\n0\n\n',
  },
  {
    title: 'an unknown status',
    request: GET,
    status: 299,
    expected: 'HTTP/1.1 299 Unknown\ncontent-length: 0\n\n',
  },
  {
    title: '204 has neither body nor length',
    request: GET,
    status: 204,
    fields: LENGTH,
    body: ['hi'],
    expected: 'HTTP/1.1 204 No Content\n\n',
  },
  {
    title: '304 keeps its length and has no body',
    request: GET,
    status: 304,
    fields: LENGTH,
    body: ['hi'],
    expected: 'HTTP/1.1 304 Not Modified\ncontent-length: 2\n\n',
  },
  {
    title: 'HEAD keeps the length and has no body',
    request: HEAD,
    status: 200,
    fields: LENGTH,
    body: ['hi'],
    expected: 'HTTP/1.1 200 OK\ncontent-length: 2\n\n',
  },
  { title: 'HEAD without length', request: HEAD, status: 200, expected: 'HTTP/1.1 200 OK\n\n' },
  {
    title: 'HTTP/1.0 without length ends with the connection',
    request: OLD,
    status: 200,
    body: ['hi'],
    expected: 'HTTP/1.0 200 OK\nconnection: close\n\nhi',
    close: true,
  },
  {
    title: 'HTTP/1.0 that keeps alive',
    request: OLD_KEPT,
    status: 200,
    fields: LENGTH,
    body: ['hi'],
    expected: 'HTTP/1.0 200 OK\ncontent-length: 2\nconnection: keep-alive\n\nhi',
  },
  {
    title: 'HTTP/1.0 that keeps alive without length',
    request: OLD_KEPT,
    status: 200,
    body: ['hi'],
    expected: 'HTTP/1.0 200 OK\nconnection: close\n\nhi',
    close: true,
  },
  {
    title: 'close asked by the map',
    request: GET,
    status: 200,
    fields: [['connection', 'close']],
    expected: 'HTTP/1.1 200 OK\ncontent-length: 0\nconnection: close\n\n',
    close: true,
  },
  {
    title: 'hop-by-hop fields of the map are not written',
    request: GET,
    status: 200,
    fields: [
      ['keep-alive', '5'],
      ['proxy-connection', 'x'],
      ['transfer-encoding', 'gzip'],
      ['upgrade', 'x'],
      ['connection', 'not-close'],
    ],
    expected: 'HTTP/1.1 200 OK\ncontent-length: 0\n\n',
  },
  {
    title: 'proper case',
    request: GET,
    status: 200,
    fields: [
      ['x-my_key', '1'],
      ['etag', '2'],
    ],
    body: ['x'],
    expected: 'HTTP/1.1 200 OK\nX-My_Key: 1\nEtag: 2\nTransfer-Encoding: chunked\n\n1\nx\n0\n\n',
    settings: { headerKeyFormat: 'proper-case' },
  },
  {
    title: 'preserved case',
    request: GET,
    status: 200,
    fields: [
      ['X-myKEY', '1'],
      ['b', '2'],
    ],
    expected: 'HTTP/1.1 200 OK\nX-myKEY: 1\nb: 2\ncontent-length: 0\n\n',
    settings: { headerKeyFormat: 'preserve' },
  },
  {
    title: 'lower case by default',
    request: GET,
    status: 200,
    fields: [['X-myKEY', '1']],
    expected: 'HTTP/1.1 200 OK\nx-mykey: 1\ncontent-length: 0\n\n',
  },
  {
    title: 'bytes beyond ASCII unchanged',
    request: GET,
    status: 200,
    fields: [['a', '\xe9\xff']],
    expected: 'HTTP/1.1 200 OK\na: \xe9\xff\ncontent-length: 0\n\n',
  },
  {
    title: 'a body longer than its length is cut and ends the connection',
    request: GET,
    status: 200,
    fields: LENGTH,
    body: ['hi', 'HTTP/1.1 200 OK'],
    expected: 'HTTP/1.1 200 OK\ncontent-length: 2\n\nhi',
    close: true,
  },
  {
    title: 'a body shorter than its length ends the connection',
    request: GET,
    status: 200,
    fields: LENGTH,
    body: ['h'],
    expected: 'HTTP/1.1 200 OK\ncontent-length: 2\n\nh',
    close: true,
  },
];

for (const entry of CASES) {
  test(`a response is written: ${entry.title}`, () => {
    const side = new ServerSide(entry.settings, false).feed(entry.request);
    const headers = HeaderList.response(entry.status);
    for (const [name, value] of entry.fields ?? []) headers.add(name, value);
    const body = entry.body ?? [];
    side.encoder().encodeHeaders(headers, body.length === 0);
    body.forEach((piece, index) => side.encoder().encodeData(bytesOf(piece), index === body.length - 1));
    assert.equal(side.connection.written, wire(entry.expected));
    assert.equal(side.codec.shouldClose, entry.close ?? false);
  });
}

test('a length that a filter spoiled or doubled does not reach the wire', () => {
  const spoiled = new ServerSide({}, false).feed(GET);
  const headers = HeaderList.response(200);
  headers.add('content-length', '5, 6');
  spoiled.encoder().encodeHeaders(headers, false);
  assert.equal(spoiled.connection.written, wire('HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n'));
  const doubled = new ServerSide({}, false).feed(GET);
  const twice = HeaderList.response(200);
  twice.add('content-length', '2');
  twice.add('content-length', '7');
  doubled.encoder().encodeHeaders(twice, false);
  assert.equal(doubled.connection.written, wire('HTTP/1.1 200 OK\ncontent-length: 2\n\n'));
});

test('a client that pipelines without reading gets no further than the write buffer', () => {
  const side = new ServerSide();
  side.feed(GET);
  side.connection.crossHighWatermark();
  side.feed(GET.repeat(3));
  assert.equal(side.requests.length, 1);
  assert.equal(side.connection.readDisableDepth, 1);
  side.connection.crossLowWatermark();
  side.connection.dispatcher.run();
  assert.equal(side.requests.length, 4);
  assert.equal(side.connection.readDisableDepth, 0);
});

test('an end without bytes closes the chunks', () => {
  const side = new ServerSide({}, false).feed(GET);
  side.encoder().encodeHeaders(HeaderList.response(200), false);
  side.encoder().encodeData(EMPTY, true);
  assert.equal(side.connection.written, wire('HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n0\n\n'));
});

test('trailers are written when enabled, dropped otherwise', () => {
  for (const enableTrailers of [true, false]) {
    const side = new ServerSide({ enableTrailers }, false).feed(GET);
    side.encoder().encodeHeaders(HeaderList.response(200), false);
    const trailers = new HeaderList();
    trailers.add('X-Sum', '1');
    side.encoder().encodeTrailers(trailers);
    assert.equal(
      side.connection.written.endsWith(
        enableTrailers ? '\r\n\r\n0\r\nx-sum: 1\r\n\r\n' : '\r\n\r\n0\r\n\r\n',
      ),
      true,
    );
    side.feed(GET);
    assert.equal(side.requests.length, 2);
  }
});

test('informational heads go in front, but not to HTTP/1.0', () => {
  for (const [request, expected] of [
    [GET, 'HTTP/1.1 100 Continue\r\n\r\n'],
    [OLD, ''],
  ] as const) {
    const side = new ServerSide({}, false).feed(request);
    side.encoder().encodeInformational(HeaderList.response(100));
    assert.equal(side.connection.written, expected);
  }
});

test('a response before the end of the request closes, and the rest of the request is dropped', () => {
  const side = new ServerSide({}, false).feed(wire('POST / HTTP/1.1\nHost: a\nContent-Length: 9\n\nabc'));
  side.encoder().encodeHeaders(HeaderList.response(413), true);
  assert.match(side.connection.written, /connection: close/);
  side.feed('def').feed('ghiGET / HTTP/1.1\r\n\r\n');
  assert.equal(side.first.body, 'abc');
  assert.equal(side.requests.length, 1);
  assert.equal(side.connection.readBuffer.length, 0);
});

test('header text that would break the message is refused, however it gets in', () => {
  const attacks = ['a\r\nb: c', 'a\nb', 'a\rb', 'a\0b', 'a\u010ab'];
  for (const text of attacks) {
    const headers = HeaderList.response(200);
    assert.throws(() => headers.add('x', text), /CR, LF, NUL/);
    headers.add('x', 'ok');
    assert.throws(() => headers.set('x', text), /CR, LF, NUL/);
    assert.throws(() => headers.add(`x${text}`, 'v'), /token/);
    const side = new ServerSide({}, false).feed(
      wire('GET / HTTP/1.1\nHost: a\nConnection: upgrade\nUpgrade: x\n\n'),
    );
    headers.status = 101;
    headers.protocol = text;
    assert.throws(() => side.encoder().encodeHeaders(headers, false), /CR, LF, NUL/);
    assert.equal(side.connection.written, '');
  }
});

test('resetting a stream closes its connection, with RST where the body would look complete', () => {
  const kept = new ServerSide({}, false).feed(GET);
  kept.encoder().encodeHeaders(HeaderList.response(200), false);
  kept.encoder().stream.resetStream('local reset');
  assert.equal(kept.connection.closedBy, 'flush');
  assert.equal(kept.first.reset, null, 'own resets are not told');
  const old = new ServerSide({}, false).feed(OLD);
  old.encoder().encodeHeaders(HeaderList.response(200), false);
  old.encoder().stream.resetStream('local reset');
  assert.equal(old.connection.closedBy, 'reset');
});

test('a stream that is over no longer touches the connection', () => {
  const side = new ServerSide({}, false).feed(GET);
  const encoder = side.encoder();
  encoder.stream.readDisable(true);
  assert.equal(side.connection.readDisableDepth, 1);
  encoder.encodeHeaders(HeaderList.response(200), true);
  assert.equal(side.connection.readDisableDepth, 0, 'its pauses end with it');
  encoder.stream.readDisable(true);
  encoder.stream.resetStream('local reset');
  encoder.encodeData(bytesOf('late'), true);
  assert.equal(side.connection.readDisableDepth, 0);
  assert.equal(side.connection.closedBy, null);
  assert.equal(side.connection.written, wire('HTTP/1.1 200 OK\ncontent-length: 0\n\n'));
});

test('watermark edges reach the subscribers of the running stream, a missed high is replayed once', () => {
  const side = new ServerSide({}, false).feed(GET);
  const seen: string[] = [];
  const subscriber = (name: string, then: () => void = () => {}) => ({
    onResetStream: () => {},
    onAboveWriteBufferHighWatermark: () => {
      seen.push(`${name} high`);
      then();
    },
    onBelowWriteBufferLowWatermark: () => {
      seen.push(`${name} low`);
    },
  });
  const { stream } = side.encoder();
  const late = subscriber('late');
  const early = subscriber('early', () => stream.addCallbacks(late));
  stream.addCallbacks(early);
  side.connection.crossHighWatermark();
  side.connection.crossLowWatermark();
  stream.removeCallbacks(early);
  side.connection.crossHighWatermark();
  assert.deepEqual(seen, ['early high', 'late high', 'early low', 'late low', 'late high']);
});
