/** The client codec: requests as written, responses as read, and what makes a connection unfit for a second request. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { bytesOf, EMPTY } from '../../../src/buffer/bytes.ts';
import { HeaderList } from '../../../src/codec/header-map.ts';
import type { Http1ClientSettings } from '../../../src/codec/http1/settings.ts';
import { ClientSide, fieldsOf, Message, wire } from '../recording.ts';

test('a request is written host first, fields in order, hop-by-hop left out', () => {
  const side = new ClientSide();
  side.send('GET', (headers) => {
    headers.path = '/p?q';
    headers.add('User-Agent', 'x');
    headers.add('connection', 'keep-alive');
    headers.add('Keep-Alive', '5');
    headers.add('transfer-encoding', 'gzip');
    headers.add('accept', '*/*');
    headers.add('accept', 'b');
  });
  assert.equal(
    side.connection.written,
    wire('GET /p?q HTTP/1.1\nhost: up.test\nuser-agent: x\naccept: */*\naccept: b\n\n'),
  );
});

test('the body of a request is framed by its length, by chunks, or not at all', () => {
  const rows: readonly [method: string, length: string | null, body: string | null, expected: string][] = [
    ['GET', null, null, '\n\n'],
    ['POST', null, null, '\ncontent-length: 0\n\n'],
    ['DELETE', null, null, '\n\n'],
    ['POST', '2', 'hi', '\ncontent-length: 2\n\nhi'],
    ['GET', null, 'hi', '\ntransfer-encoding: chunked\n\n2\nhi\n0\n\n'],
    ['POST', null, '', '\ntransfer-encoding: chunked\n\n0\n\n'],
    ['HEAD', null, null, '\n\n'],
  ];
  for (const [method, length, body, expected] of rows) {
    const side = new ClientSide();
    const prepare = (headers: HeaderList): void => {
      if (length !== null) headers.add('content-length', length);
    };
    const encoder = side.send(method, prepare, body === null);
    if (body !== null) encoder.encodeData(body === '' ? EMPTY : bytesOf(body), true);
    assert.equal(side.connection.written, wire(`${method} / HTTP/1.1\nhost: up.test${expected}`));
  }
});

test('header names are written in the configured case, the host too', () => {
  const expected = {
    lower: 'host: up.test\nx-my: 1\ntransfer-encoding: chunked',
    'proper-case': 'Host: up.test\nX-My: 1\nTransfer-Encoding: chunked',
    preserve: 'HOST: up.test\nX-mY: 1\ntransfer-encoding: chunked',
  } as const;
  for (const headerKeyFormat of ['lower', 'proper-case', 'preserve'] as const) {
    const side = new ClientSide({ headerKeyFormat });
    const prepare = (headers: HeaderList): void => {
      headers.hostSpelling = 'HOST';
      headers.add('X-mY', '1');
    };
    side.send('GET', prepare, false);
    assert.equal(side.connection.written, wire(`GET / HTTP/1.1\n${expected[headerKeyFormat]}\n\n`));
  }
});

test('a method, path or host that would break the request line is refused', () => {
  for (const field of ['method', 'path', 'authority'] as const) {
    for (const attack of ['a\r\nb: c', 'a\nb', 'a\0', '\u010a']) {
      const side = new ClientSide();
      assert.throws(() => side.send('GET', (headers) => (headers[field] = attack)), /CR, LF, NUL/);
      assert.equal(side.connection.written, '');
    }
  }
  assert.throws(() => new ClientSide().send('GET', (headers) => (headers.path = '/a HTTP/1.1')), /one word/);
  assert.throws(() => new ClientSide().send('GET', (headers) => (headers.path = '')), /one word/);
});

interface Case {
  readonly title: string;
  readonly response: string;
  readonly method?: string;
  readonly fields?: string;
  readonly body?: string;
  readonly close?: boolean;
  readonly reset?: string;
  readonly failure?: string;
  readonly settings?: Partial<Http1ClientSettings>;
}

const OK = 'HTTP/1.1 200 OK\r\n';
const protocolError = (details: string): Pick<Case, 'reset' | 'close' | 'failure'> => ({
  reset: `protocol error http1.${details}`,
  failure: `http1.${details}`,
  close: true,
});

const CASES: readonly Case[] = [
  {
    title: 'a length',
    response: `${OK}Content-Length: 2\r\nA: b\r\n\r\nhi`,
    fields: '|||||200|Content-Length=2|A=b',
    body: 'hi',
  },
  { title: 'length zero', response: `${OK}Content-Length: 0\r\n\r\n`, body: '' },
  { title: 'chunks', response: `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`, body: 'hi' },
  { title: 'no reason', response: 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', body: '' },
  { title: 'no reason and no blank', response: 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', body: '' },
  { title: 'HEAD with a length', method: 'HEAD', response: `${OK}Content-Length: 5\r\n\r\n`, body: '' },
  {
    title: 'HEAD with chunked',
    method: 'HEAD',
    response: `${OK}Transfer-Encoding: chunked\r\n\r\n`,
    body: '',
  },
  {
    title: '204',
    response: 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
    body: '',
    fields: '|||||204',
  },
  {
    title: '304 with a length',
    response: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
    body: '',
  },
  {
    title: '100 in front',
    response: `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`,
    body: 'hi',
  },
  {
    title: 'close asked',
    response: `${OK}Connection: x, Close\r\nContent-Length: 0\r\n\r\n`,
    body: '',
    close: true,
  },
  { title: 'HTTP/1.0', response: 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', body: '', close: true },
  {
    title: 'HTTP/1.0 kept alive',
    response: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n',
    body: '',
  },
  {
    title: 'hop-by-hop fields named by Connection removed',
    response: `${OK}Connection: A\r\nA: b\r\nContent-Length: 0\r\n\r\n`,
    fields: '|||||200|Connection=A|Content-Length=0',
  },
  {
    title: 'bytes behind the response',
    response: `${OK}Content-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\r\n`,
    body: 'hi',
    close: true,
    failure: 'http1.codec_error',
  },
  {
    title: 'a body behind HEAD',
    method: 'HEAD',
    response: `${OK}Content-Length: 2\r\n\r\nhi`,
    body: '',
    close: true,
    failure: 'http1.body_disallowed',
  },
  {
    title: 'a body behind 304',
    response: 'HTTP/1.1 304 x\r\nContent-Length: 2\r\n\r\nhi',
    body: '',
    close: true,
    failure: 'http1.body_disallowed',
  },
  {
    title: 'an empty line behind the response',
    response: `${OK}Content-Length: 0\r\n\r\n\r\n`,
    body: '',
    close: true,
    failure: 'http1.codec_error',
  },
  { title: 'no HTTP', response: 'SSH-2.0-x\r\n', ...protocolError('codec_error') },
  { title: 'HTTP/2', response: 'HTTP/2.0 200 OK\r\n\r\n', ...protocolError('codec_error') },
  { title: 'status of two digits', response: 'HTTP/1.1 20 OK\r\n\r\n', ...protocolError('codec_error') },
  { title: 'status of four digits', response: 'HTTP/1.1 2000 OK\r\n\r\n', ...protocolError('codec_error') },
  { title: 'status 099', response: 'HTTP/1.1 099 OK\r\n\r\n', ...protocolError('codec_error') },
  { title: 'an empty line first', response: `\r\n${OK}\r\n`, ...protocolError('codec_error') },
  { title: 'bare LF', response: 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', ...protocolError('codec_error') },
  { title: 'NUL in a value', response: `${OK}A: \0\r\n\r\n`, ...protocolError('invalid_characters') },
  {
    title: 'NUL in the reason',
    response: 'HTTP/1.1 200 O\0K\r\n\r\n',
    ...protocolError('invalid_characters'),
  },
  { title: 'a folded line', response: `${OK}A: b\r\n c\r\n\r\n`, ...protocolError('codec_error') },
  {
    title: 'chunked twice',
    response: `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
    ...protocolError('invalid_transfer_encoding'),
  },
  {
    title: 'gzip, chunked',
    response: `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`,
    ...protocolError('invalid_transfer_encoding'),
  },
  {
    title: 'length and chunked',
    response: `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`,
    ...protocolError('content_length_and_chunked_not_allowed'),
  },
  {
    title: 'length and chunked when allowed',
    response: `${OK}Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    body: '',
    fields: '|||||200|Transfer-Encoding=chunked',
    settings: { allowChunkedLength: true },
  },
  {
    title: 'chunked in HTTP/1.0',
    response: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    ...protocolError('transfer_encoding_not_allowed'),
  },
  {
    title: '204 with a length',
    response: 'HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n',
    ...protocolError('content_length_not_allowed'),
  },
  {
    title: '204 with chunked',
    response: 'HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n',
    ...protocolError('transfer_encoding_not_allowed'),
  },
  {
    title: '100 with a length',
    response: 'HTTP/1.1 100 x\r\nContent-Length: 5\r\n\r\n',
    ...protocolError('content_length_not_allowed'),
  },
  {
    title: '101 that nobody asked for',
    response: 'HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: y\r\n\r\n',
    ...protocolError('codec_error'),
  },
  {
    title: 'two lengths',
    response: `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\n`,
    ...protocolError('codec_error'),
  },
  {
    title: 'a bad chunk',
    response: `${OK}Transfer-Encoding: chunked\r\n\r\n-5\r\n`,
    ...protocolError('codec_error'),
  },
  {
    title: 'a head too large',
    response: `${OK}A: ${'b'.repeat(82_000)}\r\n\r\n`,
    ...protocolError('headers_too_large'),
  },
  {
    title: 'too many headers',
    response: `${OK}${'A: b\r\n'.repeat(101)}\r\n`,
    ...protocolError('too_many_headers'),
  },
];

for (const entry of CASES) {
  test(`a response is read: ${entry.title}`, () => {
    const whole = new ClientSide(entry.settings);
    whole.send(entry.method);
    whole.feed(entry.response);
    assert.equal(whole.last.reset, entry.reset ?? null);
    assert.equal(whole.failure, entry.failure ?? '');
    assert.equal(whole.codec.closeAfterStream, entry.close ?? false);
    assert.equal(whole.codec.activeStreams, 0);
    if (entry.fields !== undefined) assert.equal(fieldsOf(whole.last.head), entry.fields);
    if (entry.body !== undefined) assert.equal(whole.last.body, entry.body);
    if (entry.reset === undefined) {
      assert.equal(whole.last.ended, true);
      if (entry.failure === undefined) assert.equal(whole.last.wireBytes, entry.response.length);
    }
    for (let cut = 1; cut < Math.min(entry.response.length, 300); cut += 1) {
      const side = new ClientSide(entry.settings);
      side.send(entry.method);
      side.feed(entry.response.slice(0, cut)).feed(entry.response.slice(cut));
      assert.equal(side.last.reset, whole.last.reset, `cut at ${cut}`);
      assert.equal(side.last.body, whole.last.body);
      assert.equal(side.codec.closeAfterStream, whole.codec.closeAfterStream);
    }
  });
}

test('a body without length ends with the connection, if that ended well', () => {
  const clean = new ClientSide();
  clean.send();
  clean.feed(`${OK}\r\nhello`).end();
  assert.equal(clean.last.ended, true);
  assert.equal(clean.last.body, 'hello');
  assert.equal(clean.last.marks, 'HDE');
  assert.equal(clean.codec.closeAfterStream, true);
  const torn = new ClientSide();
  torn.send();
  torn.feed(`${OK}\r\nhello`);
  torn.connection.fail('ECONNRESET');
  torn.codec.onConnectionEnd('connection termination');
  assert.equal(torn.last.ended, false);
  assert.equal(torn.last.reset, 'connection termination ');
  const local = new ClientSide();
  local.send();
  local.feed(`${OK}\r\nhello`);
  local.connection.close('abort');
  local.codec.onConnectionEnd('connection termination');
  assert.equal(local.last.ended, false, 'our own close is no end of the body');
});

test('a connection that ends inside a message resets its stream', () => {
  for (const part of [
    '',
    'HTTP/1.1 200',
    `${OK}Content-Length: 5\r\n\r\nhe`,
    `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
  ]) {
    const side = new ClientSide();
    side.send();
    side.feed(part).end();
    assert.equal(side.last.reset, 'connection termination ');
    assert.equal(side.codec.activeStreams, 0);
  }
});

test('bytes on an idle connection are refused', () => {
  const side = new ClientSide();
  side.feed('HTTP/1.1 408 x\r\n\r\n');
  assert.equal(side.failure, 'http1.codec_error');
  assert.equal(side.codec.closeAfterStream, true);
});

test('a request begun inside the last callback is never answered by stray bytes', () => {
  const side = new ClientSide();
  const second = new Message();
  let fitAtTheEnd = true;
  const first = new Message((_message, part) => {
    if (part !== 'end') return;
    fitAtTheEnd = !side.codec.closeAfterStream;
    side.codec.newStream(second).encodeHeaders(HeaderList.request('GET', '/2', 'h'), true);
  });
  side.codec.newStream(first).encodeHeaders(HeaderList.request('GET', '/1', 'h'), true);
  side.feed(`${OK}Content-Length: 0\r\n\r\n${OK}Content-Length: 0\r\n\r\n`);
  assert.equal(fitAtTheEnd, false, 'the pool can see it in time');
  assert.equal(second.head, null);
});

test('a connection carries one exchange after the other', () => {
  const side = new ClientSide();
  for (let round = 0; round < 3; round += 1) {
    side.send();
    side.feed(`${OK}Content-Length: 1\r\n\r\n${round}`, 7);
    assert.equal(side.last.body, String(round));
    assert.equal(side.codec.closeAfterStream, false);
  }
});

test('a response before the end of the request spoils the connection; the exchange lasts until both ended', () => {
  const side = new ClientSide();
  let ends = 0;
  side.codec.onStreamEnd = (): void => {
    ends += 1;
  };
  const encoder = side.send('POST', (headers) => headers.add('content-length', '5'), false);
  side.feed(`${OK}Content-Length: 0\r\n\r\n`);
  assert.equal(side.last.ended, true);
  assert.equal(side.codec.activeStreams, 1);
  assert.equal(side.codec.closeAfterStream, true);
  encoder.encodeData(bytesOf('hello'), true);
  assert.equal(side.codec.activeStreams, 0);
  assert.equal(ends, 1);
});

test('an upgrade is written, becomes a tunnel by its 101, and ends with FIN both ways', () => {
  const side = new ClientSide();
  const encoder = side.send('GET', (headers) => (headers.protocol = 'websocket'), false);
  assert.equal(
    side.connection.take(),
    wire('GET / HTTP/1.1\nhost: up.test\nconnection: upgrade\nupgrade: websocket\n\n'),
  );
  side.feed(wire('HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: websocket\n\n') + 'frame');
  assert.equal(side.last.head?.protocol, 'websocket');
  assert.equal(side.last.body, 'frame');
  encoder.encodeData(bytesOf('ping'), false);
  encoder.encodeData(EMPTY, true);
  assert.equal(side.connection.take(), 'ping');
  assert.equal(side.connection.ended, true);
  side.end();
  assert.equal(side.last.ended, true);
  assert.equal(side.codec.closeAfterStream, true);
  assert.equal(side.codec.activeStreams, 0);
});

test('an upgrade that the server answers otherwise is an ordinary exchange', () => {
  const side = new ClientSide();
  const encoder = side.send('GET', (headers) => (headers.protocol = 'websocket'), false);
  side.feed(`HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno`);
  assert.equal(side.last.body, 'no');
  assert.equal(side.codec.activeStreams, 0);
  assert.equal(side.codec.closeAfterStream, true);
  side.connection.take();
  encoder.encodeData(bytesOf('raw'), false);
  assert.equal(side.connection.take(), '');
});

test('CONNECT is written with its authority and becomes a tunnel by any 2xx', () => {
  const side = new ClientSide();
  side.send(
    'CONNECT',
    (headers) => {
      headers.authority = 'b:443';
      headers.path = '';
    },
    false,
  );
  assert.equal(side.connection.written, wire('CONNECT b:443 HTTP/1.1\nhost: b:443\n\n'));
  side.feed(`${OK}Content-Length: 9\r\n\r\nraw`);
  assert.equal(side.last.body, 'raw');
  assert.equal(side.last.ended, false);
});

test('a reset closes the connection and is not told back', () => {
  const side = new ClientSide();
  const encoder = side.send();
  encoder.stream.resetStream('local reset');
  assert.equal(side.connection.closedBy, 'abort');
  assert.equal(side.last.reset, null);
  assert.equal(side.codec.activeStreams, 0);
});

test('pauses of a stream end with it', () => {
  const side = new ClientSide();
  const encoder = side.send();
  encoder.stream.readDisable(true);
  encoder.stream.readDisable(true);
  encoder.stream.readDisable(false);
  assert.equal(side.connection.readDisableDepth, 1);
  encoder.stream.resetStream('local reset');
  encoder.stream.readDisable(false);
  assert.equal(side.codec.activeStreams, 0);
});
