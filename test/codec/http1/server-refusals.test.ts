/**
 * The server codec's verdict on every malformed request we know of: status, details, and that nothing behind it is read. Each
 * row is fed whole and cut at every byte; a row that passes lists what must have been read.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Http1ServerSettings } from '../../../src/codec/http1/settings.ts';
import { ServerSide, wire } from '../recording.ts';

type Row = readonly [title: string, request: string, reply: string, settings?: Partial<Http1ServerSettings>];

const BAD = '400 http1.codec_error';
const CHARACTERS = '400 http1.invalid_characters';
const URL = '400 http1.invalid_url';
const LARGE = '431 http1.headers_too_large';

const head = (lines: string): string => wire(`POST / HTTP/1.1\nHost: a\n${lines}\n\n`);
const chunked = (body: string): string => head('Transfer-Encoding: chunked') + body;

const ROWS: readonly Row[] = [
  ['HTTP/0.9', wire('GET /\n'), BAD],
  ['HTTP/2 preface', wire('PRI * HTTP/2.0\n\nSM\n\n'), BAD],
  ['HTTP/1.2', wire('GET / HTTP/1.2\nHost: a\n\n'), BAD],
  ['HTTP/9.9', wire('GET / HTTP/9.9\nHost: a\n\n'), BAD],
  ['lower-case version', wire('GET / http/1.1\nHost: a\n\n'), BAD],
  ['version with two digits', wire('GET / HTTP/1.11\nHost: a\n\n'), CHARACTERS],
  ['two spaces in the request line', wire('GET  / HTTP/1.1\nHost: a\n\n'), BAD],
  ['space behind the version', wire('GET / HTTP/1.1 \nHost: a\n\n'), CHARACTERS],
  ['tab in the request line', wire('GET\t/ HTTP/1.1\nHost: a\n\n'), BAD],
  ['space at the start', wire(' GET / HTTP/1.1\nHost: a\n\n'), BAD],
  ['colon in the method', wire('G:T / HTTP/1.1\nHost: a\n\n'), BAD],
  ['NUL in the method', wire('G\0T / HTTP/1.1\nHost: a\n\n'), BAD],
  ['bytes of TLS', '\x16\x03\x01\x02\x00\x01\x00', BAD],
  ['NUL in the target', wire('GET /\0 HTTP/1.1\nHost: a\n\n'), BAD],
  ['byte beyond ASCII in the target', wire('GET /\xe9 HTTP/1.1\nHost: a\n\n'), URL],
  ['LF by 0x8A in the target', wire('GET /\x8ax HTTP/1.1\nHost: a\n\n'), URL],
  ['CR in the target', 'GET /\rx HTTP/1.1\r\nHost: a\r\n\r\n', BAD],
  ['bare LF behind the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n', BAD],
  ['bare LF behind a field', 'GET / HTTP/1.1\r\nHost: a\nb: c\r\n\r\n', BAD],
  ['bare LF at the end', 'GET / HTTP/1.1\r\nHost: a\r\n\n', BAD],
  ['bare CR behind a field', 'GET / HTTP/1.1\r\nHost: a\rb: c\r\n\r\n', BAD],
  ['CR CR LF', 'GET / HTTP/1.1\r\nHost: a\r\r\n\r\n', BAD],
  ['bare LF in front', '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', BAD],
  ['CR in front', '\rGET / HTTP/1.1\r\nHost: a\r\n\r\n', BAD],
  ['many empty lines in front', wire(`${'\n'.repeat(5)}GET / HTTP/1.1\nHost: a\n\n`), BAD],
  ['space before the colon', head('A : b'), BAD],
  ['tab before the colon', head('A\t: b'), BAD],
  ['no colon', head('Abc'), BAD],
  ['empty name', head(': b'), BAD],
  ['folded line', head('A: b\n c'), BAD],
  ['folded line with tab', head('A: b\n\tc'), BAD],
  ['folded first line', wire('GET / HTTP/1.1\n Host: a\n\n'), BAD],
  ['line of blanks', head(' '.repeat(100)), BAD],
  ['NUL in a name', head('A\0: b'), CHARACTERS],
  ['bracket in a name', head('A(: b'), CHARACTERS],
  ['byte beyond ASCII in a name', head('Content-Length\xba 3'), CHARACTERS],
  ['NUL in a value', head('A: b\0c'), CHARACTERS],
  ['control byte in a value', head('A: b\x01c'), CHARACTERS],
  ['DEL in a value', head('A: b\x7fc'), CHARACTERS],
  ['two Hosts', head('Host: a'), BAD],
  ['Host with a blank', wire('GET / HTTP/1.1\nHost: a b\n\n'), URL],
  ['Host with user', wire('GET / HTTP/1.1\nHost: u@a\n\n'), URL],
  ['Host with a slash', wire('GET / HTTP/1.1\nHost: a/b\n\n'), URL],
  ['target without slash', wire('GET x HTTP/1.1\nHost: a\n\n'), URL],
  ['asterisk without OPTIONS', wire('GET * HTTP/1.1\nHost: a\n\n'), URL],
  ['absolute target with user', wire('GET http://u@b/ HTTP/1.1\nHost: a\n\n'), URL],
  ['absolute target of another scheme', wire('GET ftp://b/ HTTP/1.1\nHost: a\n\n'), URL],
  ['absolute target without host', wire('GET http:///x HTTP/1.1\nHost: a\n\n'), URL],
  ['CONNECT without port', wire('CONNECT a HTTP/1.1\nHost: a\n\n'), URL],
  ['CONNECT with a path', wire('CONNECT a:1/x HTTP/1.1\nHost: a\n\n'), URL],
  [
    'CONNECT with a length',
    wire('CONNECT a:1 HTTP/1.1\nContent-Length: 3\n\nabc'),
    '400 http1.content_length_not_allowed',
  ],
  [
    'CONNECT with chunked',
    wire('CONNECT a:1 HTTP/1.1\nTransfer-Encoding: chunked\n\n'),
    '501 http1.invalid_transfer_encoding',
  ],
  ...[
    '-46',
    '+3',
    '0x3',
    '3e0',
    '3.0',
    '',
    '-0',
    'abc',
    '3, 3',
    '3 3',
    '3.5',
    'Infinity',
    '9999999999999999',
    '\xb3',
  ].map((value): Row => [
    `Content-Length ${JSON.stringify(value)}`,
    `${head(`Content-Length: ${value}`)}abc`,
    BAD,
  ]),
  ['two lengths that differ', `${head('Content-Length: 3\nContent-Length: 4')}abc`, BAD],
  ['two lengths equal as numbers', `${head('Content-Length: 3\nContent-Length: 03')}abc`, BAD],
  ['length with space before the colon', `${head('Content-Length : 3')}abc`, BAD],
  [
    'length and chunked',
    head('Content-Length: 3\nTransfer-Encoding: chunked'),
    '400 http1.content_length_and_chunked_not_allowed',
  ],
  ...['gzip, chunked', 'gzip', 'identity', 'chunked, chunked', 'xchunked', 'chunked;q=1', '', 'chunked,'].map(
    (value): Row => [
      `Transfer-Encoding ${value}`,
      head(`Transfer-Encoding: ${value}`),
      '501 http1.invalid_transfer_encoding',
    ],
  ),
  [
    'chunked and then identity',
    head('Transfer-Encoding: chunked\nTransfer-Encoding: identity'),
    '501 http1.invalid_transfer_encoding',
  ],
  [
    'chunked twice',
    head('Transfer-Encoding: chunked\nTransfer-Encoding: chunked'),
    '501 http1.invalid_transfer_encoding',
  ],
  [
    'chunked in HTTP/1.0',
    wire('POST / HTTP/1.0\nHost: a\nTransfer-Encoding: chunked\n\n'),
    '400 http1.transfer_encoding_not_allowed',
  ],
  ...['-5', '0x3', ' 3', '+3', '3zz', '3 x', '', 'zz', '10000000000000', '3 ', ';x', '3;\x01', '3;a\nb'].map(
    (size): Row => [`chunk size ${JSON.stringify(size)}`, chunked(`${size}\r\nabc\r\n0\r\n\r\n`), BAD],
  ),
  ['chunk size with bare LF', chunked('3\nabc\r\n0\r\n\r\n'), BAD],
  ['chunk longer than its size', chunked('3\r\nabcd\r\n0\r\n\r\n'), BAD],
  ['chunk data with bare LF', chunked('3\r\nabc\n0\r\n\r\n'), BAD],
  ['chunk extension without end', chunked(`3;${'x'.repeat(5000)}`), BAD],
  ['folded trailer', chunked('0\r\nA: b\r\n c\r\n\r\n'), BAD],
  ['blank trailer line', chunked(`0\r\n${' '.repeat(50)}\r\n\r\n`), BAD],
  ['NUL in a trailer', chunked('0\r\nA: \0\r\n\r\n'), CHARACTERS],
  ['too many trailers', chunked(`0\r\n${'a: b\r\n'.repeat(101)}\r\n`), '431 http1.too_many_headers'],
  ['trailers too large', chunked(`0\r\na: ${'b'.repeat(3000)}\r\n\r\n`), LARGE, { maxHeadersKb: 2 }],
  ['too many headers', head('a: b\n'.repeat(100).trimEnd()), '431 http1.too_many_headers'],
  ['head too large', head(`a: ${'b'.repeat(3000)}`), LARGE, { maxHeadersKb: 2 }],
  [
    'head too large in the target',
    wire(`GET /${'b'.repeat(3000)} HTTP/1.1\nHost: a\n\n`),
    LARGE,
    { maxHeadersKb: 2 },
  ],
  ...[
    'x-forwarded-for',
    'X-Forwarded-Proto',
    'host',
    ':path',
    'content-length',
    'close, X-Forwarded-Host',
  ].map((option): Row => [
    `Connection: ${option}`,
    head(`Connection: ${option}`),
    '400 http1.connection_header_rejected',
  ]),
  [
    'more fields named by Connection than are looked for',
    head(`Connection: ${Array.from({ length: 65 }, (_unused, index) => `x-${index}`).join(', ')}`),
    '400 http1.connection_header_rejected',
  ],
  [
    'underscore when refused',
    head('a_b: c'),
    '400 http1.unexpected_underscore',
    { headersWithUnderscoresAction: 'REJECT_REQUEST' },
  ],
];

for (const [title, request, reply, settings] of ROWS) {
  test(`a request is refused: ${title}`, () => {
    const whole = new ServerSide(settings).feed(`${request}GET /next HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal(whole.first.reply?.split(' ').slice(0, 2).join(' '), reply);
    assert.match(whole.first.reply ?? '', / DPE /);
    assert.equal(whole.failure, reply.split(' ')[1]);
    assert.equal(whole.requests.length, 1, 'nothing is read behind it');
    assert.equal(whole.codec.shouldClose, true);
    assert.match(whole.connection.written, /connection: close\r\n/);
    const bytewise = new ServerSide(settings).feed(request, 1);
    assert.equal(bytewise.first.reply, whole.first.reply, 'byte by byte the same reply');
    for (let cut = 1; cut < Math.min(request.length, 200); cut += 1) {
      assert.equal(
        new ServerSide(settings).feedCutAt(request, cut).first.reply,
        whole.first.reply,
        `cut at ${cut}`,
      );
    }
  });
}

test('a refused request costs only itself where the listener asks for it and its end is known', () => {
  const side = new ServerSide({
    streamErrorOnInvalidHttpMessage: true,
    headersWithUnderscoresAction: 'REJECT_REQUEST',
  });
  side.feed(wire('GET / HTTP/1.1\nHost: a\na_b: c\n\nGET /next HTTP/1.1\nHost: a\n\n'));
  assert.equal(side.first.reply, '400 http1.unexpected_underscore DPE Bad Request');
  assert.equal(side.requests[1]?.head?.path, '/next');
  assert.equal(side.codec.shouldClose, false);
});

test('headers with underscores are dropped, all of a name, where the listener says so', () => {
  const side = new ServerSide({ headersWithUnderscoresAction: 'DROP_HEADER' });
  side.feed(wire('GET / HTTP/1.1\nHost: a\na_b: 1\nc: 2\na_b: 3\nd_e: 4\n\n'));
  assert.equal(side.first.head?.size, 1);
  assert.equal(side.first.head?.get('c'), '2');
});

test('a gigabyte of header bytes is refused at the limit and memory stays there', () => {
  const side = new ServerSide();
  side.feed('GET / HTTP/1.1\r\n');
  const junk = 'a'.repeat(16 * 1024);
  let fed = 0;
  while (side.failure === '' && fed < 100) {
    side.feed(junk);
    fed += 1;
  }
  assert.equal(side.failure, 'http1.headers_too_large');
  assert.equal(fed, 4, 'at 60 KiB');
});
