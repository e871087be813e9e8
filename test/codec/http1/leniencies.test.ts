/**
 * The nineteen leniencies of http-parser-js (`dependencies.md`, section 12), each shown to be real by running it, and ours
 * shown to refuse the message or to read it rightly. Where the lenient parser would not come back or takes seconds, it is
 * stopped (`lenient-parser.ts`) or, for the quadratic one, given a small input.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { bytesOf } from '../../../src/buffer/bytes.ts';
import { ChunkQueue, HEAP_BLOCKS } from '../../../src/buffer/chunk-queue.ts';
import { CutHead } from '../../../src/codec/http1/cut-head.ts';
import { headScan } from '../../../src/codec/http1/head-scan.ts';
import { parseLeniently } from '../lenient-parser.ts';
import { ClientSide, ServerSide, wire } from '../recording.ts';

const post = (lines: string, body = ''): string => wire(`POST / HTTP/1.1\nHost: a\n${lines}\n\n`) + body;

function refused(text: string, details: string): void {
  for (const size of [text.length, 1, 7]) {
    const side = new ServerSide().feed(text, size);
    assert.equal(side.first.reply?.split(' ')[1], details);
    assert.equal(side.requests.length, 1);
    assert.equal(side.codec.shouldClose, true);
  }
}

test('1: a negative chunk size, which loops for ever there, is refused', () => {
  const text = post('Transfer-Encoding: chunked', '-5\r\nabc\r\n');
  assert.equal(parseLeniently(text).ranAway, true);
  refused(text, 'http1.codec_error');
});

test('2: a negative Content-Length, which replays the request there, is refused', () => {
  // The length of its own head: the byte behind it moves the reader back to the start.
  const text = post('Content-Length: -49', 'x');
  assert.equal(parseLeniently(text).ranAway, true);
  refused(text, 'http1.codec_error');
});

test('3: a header line of blanks, quadratic there, costs its length here', () => {
  const blanks = ' '.repeat(59 * 1024);
  for (const text of [
    wire(`GET / HTTP/1.1\nHost: a\n${blanks}\n\n`),
    wire(`GET / HTTP/1.1\nHost: a\nA: ${blanks}b${blanks.slice(0, 10)}\n\n`),
    post('Transfer-Encoding: chunked', `0\r\n${blanks}\r\n\r\n`),
  ]) {
    for (const size of [text.length, 1000, 1]) {
      const before = headScan.steps;
      new ServerSide().feed(text, size);
      assert.ok(
        headScan.steps - before <= 2 * text.length + 200,
        `${headScan.steps - before} steps for ${text.length} bytes`,
      );
    }
  }
});

test('3: gathering a cut head looks at each byte once', () => {
  const text = Buffer.from(`GET / HTTP/1.1\r\nA: ${' '.repeat(60_000)}\r\n\r\n`);
  const cut = new CutHead(64 * 1024, false);
  for (let at = 0; at < text.length; at += 1) cut.append(text, at, at + 1);
  assert.equal(cut.state, 'ended');
  assert.equal(cut.steps, text.length);
});

test('4: bytes beyond ASCII stay what they are, and make no line end, blank or colon', () => {
  const injected = wire('GET /a\x8aX: 1 HTTP/1.1\nHost: a\n\n');
  const lenient = parseLeniently(wire('GET / HTTP/1.1\nA: b\x8ac\n\n'), 'REQUEST', 'ascii');
  assert.match(lenient.messages[0]?.fields[0]?.[1] ?? '', /\n/);
  refused(injected, 'http1.invalid_url');
  const value = new ServerSide().feed(wire('GET / HTTP/1.1\nHost: a\nA: caf\xc3\xa9\x8a\xa0\n\n'));
  assert.equal(value.first.head?.get('a'), 'caf\xc3\xa9\x8a\xa0');
  refused(post('Content-Length\xba 3', 'abc'), 'http1.invalid_characters');
});

test('5: a transfer coding that is not exactly chunked is refused, not read as no body', () => {
  for (const codings of ['gzip, chunked', 'chunked\nTransfer-Encoding: identity']) {
    const text = post(`Transfer-Encoding: ${codings}`, '0\r\n\r\n');
    assert.equal(parseLeniently(text).messages[0]?.body, '');
    refused(text, 'http1.invalid_transfer_encoding');
  }
});

test('6: a length beside chunked is refused', () => {
  const text = post('Content-Length: 3\nTransfer-Encoding: chunked', '0\r\n\r\n');
  assert.equal(parseLeniently(text).messages[0]?.complete, true);
  refused(text, 'http1.content_length_and_chunked_not_allowed');
});

test('7: a length is digits; equal numbers of other digits are not equal', () => {
  for (const length of ['+3', '0x3', '3e0', '3.0', '3\nContent-Length: 0x3']) {
    const text = post(`Content-Length: ${length}`, 'abc');
    assert.equal(parseLeniently(text).messages[0]?.body, 'abc');
    refused(text, 'http1.codec_error');
  }
  for (const length of ['', '-0']) refused(post(`Content-Length: ${length}`), 'http1.codec_error');
});

test('8: a length that is no number is refused', () => {
  for (const length of ['abc', '3, 3', '3.5', 'Infinity', 'NaN']) {
    refused(post(`Content-Length: ${length}`, 'abc'), 'http1.codec_error');
  }
});

test('9: a chunk size is hexadecimal digits and an exact number', () => {
  for (const size of ['0x3', ' 3', '+3', '3zz', '3 x', '', 'zz', '20000000000001']) {
    refused(post('Transfer-Encoding: chunked', `${size}\r\nabc\r\n0\r\n\r\n`), 'http1.codec_error');
  }
  assert.equal(
    parseLeniently(post('Transfer-Encoding: chunked', '3zz\r\nabc\r\n0\r\n\r\n')).messages[0]?.body,
    'abc',
  );
});

test('10: bare LF, CR in the target and many empty lines are refused', () => {
  assert.equal(parseLeniently('GET / HTTP/1.1\nHost: a\n\n').messages.length, 1);
  refused('GET / HTTP/1.1\nHost: a\n\n', 'http1.codec_error');
  assert.equal(parseLeniently('GET /\rx HTTP/1.1\r\nHost: a\r\n\r\n').messages.length, 1);
  refused('GET /\rx HTTP/1.1\r\nHost: a\r\n\r\n', 'http1.codec_error');
  refused(`${'\r\n'.repeat(100)}GET / HTTP/1.1\r\nHost: a\r\n\r\n`, 'http1.codec_error');
});

test('11: a line that is no field is refused, not dropped', () => {
  const smuggled = post('Content-Length : 3', 'abc');
  assert.equal(parseLeniently(smuggled).messages[0]?.body, '');
  for (const line of ['Content-Length : 3', 'no colon', ': no name'])
    refused(post(line), 'http1.codec_error');
  refused(wire('GET / HTTP/1.1\n Host: a\n\n'), 'http1.codec_error');
});

test('12: folded lines and control characters are refused', () => {
  const text = post('Transfer-Encoding:\n chunked', '0\r\n\r\n');
  assert.equal(parseLeniently(text).messages[0]?.complete, true);
  refused(text, 'http1.codec_error');
  refused(post('A: \0'), 'http1.invalid_characters');
  refused(post('A\x01: b'), 'http1.invalid_characters');
  refused(post('A(b): c'), 'http1.invalid_characters');
});

test('13: only HTTP/1.0 and 1.1 are spoken, chunked only in 1.1, and a status is 100 to 999', () => {
  refused(wire('GET / HTTP/9.9\nHost: a\n\n'), 'http1.codec_error');
  refused(
    wire('POST / HTTP/1.0\nHost: a\nTransfer-Encoding: chunked\n\n0\n\n'),
    'http1.transfer_encoding_not_allowed',
  );
  const client = new ClientSide();
  client.send();
  client.feed(wire('HTTP/1.1 000 x\nContent-Length: 0\n\n'));
  assert.equal(client.last.reset, 'protocol error http1.codec_error');
  // Without a Host the connection manager answers: it must see that there is none.
  assert.equal(new ServerSide().feed(wire('GET / HTTP/1.1\n\n')).first.head?.authority, '');
});

test('14: a 304 with a length has no body, and the next response is whole', () => {
  const response = wire('HTTP/1.1 304 Not Modified\nContent-Length: 5\n\n');
  const next = wire('HTTP/1.1 200 OK\nContent-Length: 2\n\nhi');
  const client = new ClientSide();
  client.send();
  client.feed(response);
  assert.equal(client.last.ended, true);
  client.send();
  client.feed(next);
  assert.equal(client.last.body, 'hi');
  assert.notEqual(parseLeniently(response + next, 'RESPONSE').messages[1]?.body, 'hi');
});

test('15: connection options are whole words', () => {
  for (const [lines, close] of [
    ['Connection: not-close-d', false],
    ['Connection: clo\nConnection: se', false],
    ['Connection: a , CLOSE', true],
  ] as const) {
    assert.equal(
      new ServerSide().feed(wire(`GET / HTTP/1.1\nHost: a\n${lines}\n\n`)).codec.shouldClose,
      close,
    );
  }
  const upgrade = new ServerSide().feed(
    wire('GET / HTTP/1.1\nHost: a\nConnection: no-upgrade-x\nUpgrade: y\n\n'),
  );
  assert.equal(upgrade.first.head?.protocol, '');
});

test('16: the chunks of a request that offers an upgrade are its body, not tunnel data', () => {
  const text = post('Connection: upgrade\nUpgrade: x\nTransfer-Encoding: chunked', '3\r\nabc\r\n0\r\n\r\n');
  assert.equal(parseLeniently(text).messages[0]?.body, '');
  const side = new ServerSide().feed(text);
  assert.equal(side.first.body, 'abc');
  assert.equal(side.first.head?.protocol, '');
});

test('17: header count, extensions and trailers are bounded, and bodies do not count as heads', () => {
  refused(post('a: b\n'.repeat(100).trimEnd()), 'http1.too_many_headers');
  refused(post('Transfer-Encoding: chunked', `1;${'x'.repeat(5000)}\r\na\r\n0\r\n\r\n`), 'http1.codec_error');
  refused(
    post('Transfer-Encoding: chunked', `0\r\na: ${'x'.repeat(62_000)}\r\n\r\n`),
    'http1.headers_too_large',
  );
  const body = 'x'.repeat(90_000);
  const side = new ServerSide().feed(`${post('Content-Length: 90000', body)}GET /ne`);
  assert.equal(side.first.body.length, 90_000);
  assert.equal(side.failure, '');
});

test('18: a limit holds for every message of a connection', () => {
  const side = new ServerSide({ maxHeadersKb: 1 }).feed(wire('GET / HTTP/1.1\nHost: a\n\n'));
  side.feed(wire(`GET /2 HTTP/1.1\nHost: a\nA: ${'b'.repeat(2000)}\n\n`));
  assert.equal(side.requests[1]?.reply?.split(' ')[1], 'http1.headers_too_large');
});

test('19: behind an error nothing is read, whatever comes', () => {
  const side = new ServerSide().feed('X\r\n\r\n');
  side.feed(wire('GET /smuggled HTTP/1.1\nHost: a\n\n'));
  assert.equal(side.requests.length, 1);
  const queue = new ChunkQueue(HEAP_BLOCKS);
  queue.push(bytesOf('GET / HTTP/1.1\r\n\r\n'));
  assert.equal(side.codec.dispatch(queue).ok, false);
  assert.equal(queue.length, 0);
  assert.equal(new ServerSide().feed(wire('QUERY / HTTP/1.1\nHost: a\n\n')).first.head?.method, 'QUERY');
});
