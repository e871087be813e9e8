/** What the server codec reads rightly: every legal form, however it is cut, with the wire accounted to the byte. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { HeaderList } from '../../../src/codec/header-map.ts';
import { bytesOf } from '../../../src/buffer/bytes.ts';
import type { Http1ServerSettings } from '../../../src/codec/http1/settings.ts';
import { at, fieldsOf, ServerSide, wire } from '../recording.ts';

type Row = readonly [
  title: string,
  request: string,
  fields: string,
  body: string,
  settings?: Partial<Http1ServerSettings>,
];

const ROWS: readonly Row[] = [
  ['a bare GET', wire('GET / HTTP/1.1\nHost: a\n\n'), 'GET|/|a|http||0', ''],
  [
    'names in any case and blanks around values',
    wire('GET /x?y=%20 HTTP/1.1\nhOsT:a\nX-MyKey: \t v w \t\nEmpty:\n\n'),
    'GET|/x?y=%20|a|http||0|X-MyKey=v w|Empty=',
    '',
  ],
  [
    'every byte that a value may hold',
    wire('GET / HTTP/1.1\nHost: a\nA: \x21\x7e\x80\x8a\xa0\xba\xff\n\n'),
    'GET|/|a|http||0|A=\x21\x7e\x80\x8a\xa0\xba\xff',
    '',
  ],
  [
    'every byte that a name may hold',
    wire("GET / HTTP/1.1\nHost: a\n!#$%&'*+-.^_`|~09azAZ: 1\n\n"),
    "GET|/|a|http||0|!#$%&'*+-.^_`|~09azAZ=1",
    '',
  ],
  [
    'duplicates in order',
    wire('GET / HTTP/1.1\nHost: a\nA: 1\nb: 2\na: 3\n\n'),
    'GET|/|a|http||0|A=1|b=2|a=3',
    '',
  ],
  [
    'an unknown method',
    wire('QUERY / HTTP/1.1\nHost: a\nContent-Length: 2\n\nhi'),
    'QUERY|/|a|http||0|Content-Length=2',
    'hi',
  ],
  [
    'a length',
    wire('POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello'),
    'POST|/|a|http||0|Content-Length=5',
    'hello',
  ],
  [
    'a length on a GET',
    wire('GET / HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello'),
    'GET|/|a|http||0|Content-Length=5',
    'hello',
  ],
  [
    'a length with zeros in front',
    wire('POST / HTTP/1.1\nHost: a\nContent-Length: 005\n\nhello'),
    'POST|/|a|http||0|Content-Length=005',
    'hello',
  ],
  [
    'equal lengths, made one',
    wire('POST / HTTP/1.1\nHost: a\nContent-Length: 5\nContent-Length: 5\n\nhello'),
    'POST|/|a|http||0|Content-Length=5',
    'hello',
  ],
  [
    'length zero',
    wire('POST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n'),
    'POST|/|a|http||0|Content-Length=0',
    '',
  ],
  [
    'chunks of any case, zeros in front, extensions',
    wire('POST / HTTP/1.1\nHost: a\nTransfer-Encoding: Chunked\n\n') +
      '3\r\nabc\r\n000A;x=y;z="\xff q"\r\n0123456789\r\n1 ; v\r\n!\r\n0;last\r\n\r\n',
    'POST|/|a|http||0|Transfer-Encoding=Chunked',
    'abc0123456789!',
  ],
  [
    'chunked beside a length, when allowed',
    wire('POST / HTTP/1.1\nHost: a\nContent-Length: 1\nTransfer-Encoding: chunked\n\n') +
      '3\r\nabc\r\n0\r\n\r\n',
    'POST|/|a|http||0|Transfer-Encoding=chunked',
    'abc',
    { allowChunkedLength: true },
  ],
  [
    'trailers dropped',
    wire('POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n') + '3\r\nabc\r\n0\r\nA: b\r\n\r\n',
    'POST|/|a|http||0|Transfer-Encoding=chunked',
    'abc',
  ],
  ['an absolute target', wire('GET http://b:80/p?q HTTP/1.1\nHost: a\n\n'), 'GET|/p?q|b:80|http||0', ''],
  [
    'an absolute target without path',
    wire('GET HTTPS://b?q HTTP/1.1\nHost: a\n\n'),
    'GET|/?q|b|https||0',
    '',
  ],
  [
    'an absolute target left alone',
    wire('GET http://b/p HTTP/1.1\nHost: a\n\n'),
    'GET|http://b/p|a|http||0',
    '',
    { allowAbsoluteUrl: false },
  ],
  ['the asterisk', wire('OPTIONS * HTTP/1.1\nHost: a\n\n'), 'OPTIONS|*|a|http||0', ''],
  ['no Host: the connection manager decides', wire('GET / HTTP/1.1\nA: b\n\n'), 'GET|/||http||0|A=b', ''],
  [
    'HTTP/1.0 with the configured host',
    wire('GET / HTTP/1.0\n\n'),
    'GET|/|d.test|http||0',
    '',
    { acceptHttp10: true, defaultHostForHttp10: 'd.test' },
  ],
  [
    'h2c and its settings removed',
    wire(
      'GET / HTTP/1.1\nHost: a\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAM\n\n',
    ),
    'GET|/|a|http||0|Connection=Upgrade, HTTP2-Settings',
    '',
  ],
  [
    'fields that Connection names removed',
    wire('GET / HTTP/1.1\nHost: a\nConnection: X-Hop , keep-alive,te\nX-Hop: 1\nTE: trailers\nb: 2\n\n'),
    'GET|/|a|http||0|Connection=X-Hop , keep-alive,te|TE=trailers|b=2',
    '',
  ],
  [
    'an upgrade beside a body is not looked at',
    wire('POST / HTTP/1.1\nHost: a\nConnection: upgrade\nUpgrade: x\nTransfer-Encoding: chunked\n\n') +
      '3\r\nabc\r\n0\r\n\r\n',
    'POST|/|a|http||0|Connection=upgrade|Upgrade=x|Transfer-Encoding=chunked',
    'abc',
  ],
  [
    'an upgrade that Connection does not name',
    wire('GET / HTTP/1.1\nHost: a\nConnection: no-upgrade-x\nUpgrade: x\n\n'),
    'GET|/|a|http||0|Connection=no-upgrade-x|Upgrade=x',
    '',
  ],
];

for (const [title, request, fields, body, settings] of ROWS) {
  test(`a request is read: ${title}`, () => {
    const whole = new ServerSide(settings).feed(request);
    assert.equal(whole.failure, '');
    assert.equal(fieldsOf(whole.first.head), fields);
    assert.equal(whole.first.body, body);
    assert.equal(whole.first.ended, true);
    assert.equal(whole.first.wireBytes, request.length, 'every byte accounted');
    assert.equal(whole.first.marks, whole.first.headOnly ? 'H' : 'HDE');
    assert.equal(whole.first.head?.byteSize, request.indexOf('\r\n\r\n') + 4);
    for (let cut = 1; cut < request.length; cut += 1) {
      assert.equal(new ServerSide(settings).feedCutAt(request, cut).summary, whole.summary, `cut at ${cut}`);
    }
    assert.equal(new ServerSide(settings).feed(request, 1).summary, whole.summary, 'byte by byte');
  });
}

test('trailers are given where enabled, without what frames or routes', () => {
  const side = new ServerSide({ enableTrailers: true });
  const request =
    wire('POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n') +
    '0\r\nX-Sum: 1\r\nContent-Length: 5\r\nHost: b\r\nTransfer-Encoding: gzip\r\nCookie: c\r\nx-b: 2\r\n\r\n';
  side.feed(request);
  assert.equal(side.first.trailers?.size, 2);
  assert.equal(side.first.trailers?.get('x-sum'), '1');
  assert.equal(side.first.wireBytes, request.length);
  assert.equal(side.first.marks, 'HE');
});

test('a thousand pipelined requests in one buffer are answered in order', () => {
  const side = new ServerSide();
  const requests = Array.from(
    { length: 1000 },
    (_unused, index) => `POST /${index} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi`,
  );
  side.feed(requests.join('\r\n'));
  assert.equal(side.requests.length, 1000);
  side.requests.forEach((request, index) => {
    assert.equal(request.head?.path, `/${index}`);
    assert.equal(request.wireBytes, at(requests, index).length);
  });
  assert.equal(side.connection.readDisableDepth, 0);
});

test('pipelined bytes stay in the queue with one read-disable until the exchange before them is over', () => {
  const side = new ServerSide({}, false);
  side.feed(wire('GET /1 HTTP/1.1\nHost: a\n\n'));
  assert.equal(side.connection.readDisableDepth, 0, 'nothing waits yet');
  side.feed(wire('GET /2 HTTP/1.1\nHost: a\n\nGET /3 HTTP/1.1\nHost: a\n\n'));
  assert.equal(side.requests.length, 1);
  assert.equal(side.connection.readDisableDepth, 1);
  assert.equal(side.connection.readBuffer.length, 56);
  side.encoder(0).encodeHeaders(HeaderList.response(204), true);
  assert.equal(side.connection.readDisableDepth, 0);
  side.connection.dispatcher.run();
  assert.equal(side.requests.length, 2);
  assert.equal(side.connection.readDisableDepth, 1);
  side.encoder(1).encodeHeaders(HeaderList.response(204), true);
  side.connection.dispatcher.run();
  assert.equal(side.requests.length, 3);
  assert.equal(side.connection.pauses.consecutive, 0, 'not noted as flow control');
});

test('a stream begins at the first byte of the request line, not at empty lines before it', () => {
  const side = new ServerSide().feed('\r\n\r\n');
  assert.equal(side.requests.length, 0);
  side.feed('G');
  assert.equal(side.requests.length, 1);
  side.feed('ET / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(side.first.wireBytes, 27, 'the empty lines are not of the message');
});

test('a websocket waits for its 101 and is a raw tunnel then, both ways', () => {
  const side = new ServerSide({}, false);
  side.feed(wire('GET /chat HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\n\n') + 'early');
  assert.equal(side.first.head?.protocol, 'websocket');
  assert.equal(side.first.body, '', 'not before the switch is granted');
  assert.equal(side.connection.readDisableDepth, 1);
  const headers = HeaderList.response(101);
  headers.protocol = 'websocket';
  headers.add('sec-websocket-accept', 'x');
  side.encoder().encodeHeaders(headers, false);
  assert.equal(
    side.connection.take(),
    wire(
      'HTTP/1.1 101 Switching Protocols\nsec-websocket-accept: x\nconnection: upgrade\nupgrade: websocket\n\n',
    ),
  );
  side.connection.dispatcher.run();
  side.feed('GET / HTTP/1.1\r\n\r\n');
  assert.equal(side.first.body, 'earlyGET / HTTP/1.1\r\n\r\n');
  side.encoder().encodeData(bytesOf('0\r\n\r\n'), false);
  assert.equal(side.connection.take(), '0\r\n\r\n');
  side.connection.remoteEnded = true;
  side.codec.onConnectionEnd('connection termination');
  assert.equal(side.first.ended, true, 'FIN ends the request');
  side.encoder().encodeData(bytesOf('bye'), true);
  assert.equal(side.connection.ended, true);
  assert.equal(side.codec.shouldClose, true);
});

test('a refused upgrade is an ordinary response that ends the connection; bytes behind the request are dropped', () => {
  const side = new ServerSide({}, false);
  side.feed(
    wire('GET / HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\n\n') +
      'GET /smuggled HTTP/1.1\r\n\r\n',
  );
  side.encoder().encodeHeaders(HeaderList.response(403), true);
  side.connection.dispatcher.run();
  assert.equal(
    side.connection.take(),
    wire('HTTP/1.1 403 Forbidden\ncontent-length: 0\nconnection: close\n\n'),
  );
  assert.equal(side.requests.length, 1);
  assert.equal(side.connection.readBuffer.length, 0);
});

test('CONNECT is a tunnel behind a 200', () => {
  const side = new ServerSide({}, false);
  side.feed(wire('CONNECT b:443 HTTP/1.1\nHost: a\n\n'));
  assert.equal(side.first.head?.authority, 'b:443');
  assert.equal(side.first.head?.path, '');
  const headers = HeaderList.response(200);
  headers.add('content-length', '5');
  side.encoder().encodeHeaders(headers, false);
  assert.equal(side.connection.take(), wire('HTTP/1.1 200 OK\n\n'));
  side.feed('raw');
  assert.equal(side.first.body, 'raw');
});

test('behind a request that asked to close nothing is read', () => {
  const side = new ServerSide().feed(
    wire('GET / HTTP/1.1\nHost: a\nConnection: Close\n\nGET /2 HTTP/1.1\nHost: a\n\n'),
  );
  assert.equal(side.requests.length, 1);
  assert.match(side.connection.written, /connection: close/);
  assert.equal(side.connection.readBuffer.length, 0);
});

test('a connection option is a word, not a part of one', () => {
  const side = new ServerSide().feed(
    wire('GET / HTTP/1.1\nHost: a\nConnection: not-close-d\nConnection: clo\nConnection: se\n\n'),
  );
  assert.equal(side.codec.shouldClose, false);
});

test('the end of the connection resets the running exchange once', () => {
  const side = new ServerSide({}, false).feed(wire('POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\nhe'));
  side.codec.onConnectionEnd('connection termination');
  assert.equal(side.first.reset, 'connection termination ');
  side.first.reset = null;
  side.codec.onConnectionEnd('connection termination');
  assert.equal(side.first.reset, null);
});

test('a body of 64 MiB passes as views, never kept', () => {
  const side = new ServerSide({}, false);
  let passed = 0;
  side.feed(wire(`POST / HTTP/1.1\nHost: a\nContent-Length: ${64 * 1024 * 1024}\n\n`));
  side.first.decodeData = (bytes): void => {
    passed += bytes.end - bytes.start;
  };
  const block = 'x'.repeat(256 * 1024);
  for (let index = 0; index < 256; index += 1) side.connection.receive(block);
  assert.equal(passed, 64 * 1024 * 1024);
  assert.equal(side.connection.readBuffer.length, 0);
});
