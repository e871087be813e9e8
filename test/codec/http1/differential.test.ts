/**
 * Our parser against http-parser-js over one corpus: whole, cut at every byte, and mutated. They must find the same messages;
 * where they do not, the difference must have a name in `REASONS`. The lenient one is run guarded (`lenient-parser.ts`).
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { parseLeniently, type LenientMessage } from '../lenient-parser.ts';
import { ServerSide, wire, type Message } from '../recording.ts';

const CORPUS: readonly string[] = [
  wire('GET / HTTP/1.1\nHost: a\n\n'),
  wire('GET /path?query=1 HTTP/1.1\nHost: a:80\nUser-Agent: curl/8\nAccept: */*\nX-Request-Id: 1-2-3\n\n'),
  wire('POST /a HTTP/1.1\nHost: a\nContent-Length: 11\nContent-Type: text/plain\n\nhello world'),
  wire('POST /a HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5\nhello\n6;x=y\n world\n0\n\n'),
  wire('PUT /a HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nTrailer: x\n\n1\n!\n0\nX: 1\n\n'),
  wire(
    'GET /1 HTTP/1.1\nHost: a\n\nPOST /2 HTTP/1.1\nHost: a\nContent-Length: 3\n\nabcGET /3 HTTP/1.1\nHost: b\n\n',
  ),
  wire('POST /1 HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n0\n\nGET /2 HTTP/1.1\nHost: a\n\n'),
  wire(
    'GET / HTTP/1.1\nHost: a\nConnection: keep-alive\nCookie: a=b; c=d\nCookie: e\n\nGET /2 HTTP/1.1\nHost: a\nConnection: close\n\n',
  ),
  wire('GET / HTTP/1.0\nHost: a\nConnection: keep-alive\n\nGET / HTTP/1.0\n\n'),
  wire('OPTIONS * HTTP/1.1\nHost: a\nContent-Length: 0\n\nHEAD / HTTP/1.1\nHost: a\n\n'),
  wire('GET / HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Key: x\n\n'),
  wire('GET / HTTP/1.1\nHost: a\nEmpty:\nBlank:   \nTabs:\tx\t\n\n'),
];

interface Difference {
  readonly text: string;
  readonly ours: ServerSide;
  readonly theirs: readonly LenientMessage[];
  readonly theirError: string;
}

/** Head bytes of the message that we refused, as far as a regular expression over the text can tell. */
const REASONS: readonly [reason: string, holds: (difference: Difference) => boolean][] = [
  [
    'they look at a line when it is whole, we at each byte',
    ({ ours, theirs, theirError }) =>
      ours.failure !== '' && theirError === '' && theirs.length < ours.requests.length,
  ],
  ['they take a bare LF as a line end', ({ text }) => /(^|[^\r])\n/.test(text)],
  ['they take a CR in the request line, a value or in front', ({ text }) => /\r(?!\n)/.test(text)],
  ['they join folded lines', ({ text }) => /\n[ \t]/.test(text)],
  ['they drop lines that are no field', ({ text }) => /\n[^\r:]*\r/.test(text) || /\n:/.test(text)],
  ['they drop fields with a blank before the colon', ({ text }) => /\n[^\r:]*[ \t][^\r:]*:/.test(text)],
  [
    'they take any character in names',
    ({ text }) => /\n[^\r:]*[^!#$%&'*+\-.^_`|~0-9A-Za-z\r:][^\r:]*:/.test(text),
  ],
  ['they take control characters', ({ text }) => hasControl(text)],
  ['they take any byte in the target', ({ text }) => /[A-Z] [^ \r]*[\x80-\xff\t][^ \r]* HTTP/.test(text)],
  ['they take any target', ({ ours }) => ours.failure === 'http1.invalid_url'],
  ['they take any version', ({ text }) => /HTTP\/(?!1\.[01]\r)/.test(text)],
  [
    'they take Content-Length as a number of any form, repeated or empty',
    ({ text }) =>
      /content-length:(?![ \t]*\d{1,15}[ \t]*\r)/i.test(text) ||
      (text.match(/content-length/gi)?.length ?? 0) > 1,
  ],
  ['they ignore codings but chunked', ({ ours }) => ours.failure === 'http1.invalid_transfer_encoding'],
  ['they take chunked in HTTP/1.0', ({ ours }) => ours.failure === 'http1.transfer_encoding_not_allowed'],
  [
    'they take a length beside chunked',
    ({ ours }) => ours.failure === 'http1.content_length_and_chunked_not_allowed',
  ],
  [
    'they take chunk sizes by parseInt',
    ({ text, ours }) => /chunked/i.test(text) && ours.failure === 'http1.codec_error',
  ],
  ['they take any number of Hosts', ({ theirs }) => theirs.some(({ hosts }) => hosts.length > 1)],
  ['they take any number of empty lines in front', ({ text }) => /(^|\r\n)(\r\n){3}/.test(text)],
  [
    'they search Connection for parts of words',
    ({ text }) => /connection:/i.test(text) && /upgrade/i.test(text),
  ],
  [
    'they know no other method',
    ({ theirError }) =>
      theirError.startsWith('invalid request method') || theirError.includes('HPE_INVALID_CONSTANT'),
  ],
  ['we remove what Connection names, and h2c', ({ text }) => /connection:/i.test(text)],
  ['we refuse a CONNECT with a body', ({ ours }) => ours.failure === 'http1.content_length_not_allowed'],
];

function hasControl(text: string): boolean {
  return Array.from(Buffer.from(text, 'latin1')).some(
    (byte) => byte === 0x7f || (byte < 0x20 && ![9, 10, 13].includes(byte)),
  );
}

function sameMessage(ours: Message, theirs: LenientMessage): boolean {
  const { head } = ours;
  if (head === null) return false;
  const target = head.method === 'CONNECT' ? head.authority : head.path;
  if (head.method !== theirs.method || target !== theirs.target || head.size !== theirs.fields.length)
    return false;
  if (head.method !== 'CONNECT' && head.authority !== (theirs.hosts[0] ?? '')) return false;
  if (
    !theirs.fields.every(
      ([name, value], index) => head.nameAt(index) === name && head.valueAt(index) === value,
    )
  )
    return false;
  // Until a message is complete its body depends on how much of it they have passed on.
  return ours.body === theirs.body && (theirs.upgrade || ours.ended === theirs.complete);
}

/** '' if both saw the same; else the name of the reason, or throws. */
function compare(text: string, size = text.length): string {
  const ours = new ServerSide({ allowAbsoluteUrl: false, maxHeadersCount: 1000 }).feed(text, size);
  const lenient = parseLeniently(text, 'REQUEST', 'latin1', size);
  const theirs = lenient.messages;
  const heads = ours.requests.filter(({ head }) => head !== null);
  const complete = ours.failure === '' && lenient.error === '' && !lenient.ranAway;
  const counted = heads.length === theirs.length || (ours.codec.shouldClose && heads.length < theirs.length);
  const upgraded = heads.some(({ head }) => head?.protocol !== '' || head.method === 'CONNECT');
  const same = heads.every((message, index) => {
    const other = theirs[index];
    return other !== undefined && sameMessage(message, other);
  });
  if (complete && same && (counted || upgraded)) return '';
  if (ours.failure !== '' && lenient.error !== '' && same && heads.length === theirs.length) return '';
  const difference: Difference = { text, ours, theirs, theirError: lenient.error };
  const reason = REASONS.find(([, holds]) => holds(difference));
  assert.ok(
    reason !== undefined,
    `unexplained: ${JSON.stringify(text)}\nours ${ours.summary}\ntheirs ${lenient.error} ${JSON.stringify(theirs)}`,
  );
  return reason[0];
}

for (const [index, text] of CORPUS.entries()) {
  test(`both parsers find the same in corpus message ${index}, whole, byte by byte and cut anywhere`, () => {
    assert.equal(compare(text), '');
    assert.equal(compare(text, 1), '');
    for (let cut = 1; cut < text.length; cut += 1) {
      const prefix = text.slice(0, cut);
      assert.equal(compare(prefix), '', `what is there of it after ${cut} bytes`);
    }
  });
}

const PIECES = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  ':',
  '0',
  '5',
  '-5',
  '+',
  'x',
  ',',
  ';',
  '\0',
  '\x7f',
  '\x8a',
  '\xba',
  'chunked',
  'Host: b\r\n',
  'Content-Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'close',
  'HTTP/1.0',
  'A: b\r\n',
];

const mutation = fc.record({
  at: fc.nat(),
  remove: fc.nat({ max: 4 }),
  insert: fc.oneof(
    fc.constant(''),
    fc.constantFrom(...PIECES),
    fc.nat({ max: 255 }).map((code) => String.fromCharCode(code)),
  ),
});

const mutated = fc
  .record({
    base: fc.constantFrom(...CORPUS),
    next: fc.constantFrom('', ...CORPUS),
    mutations: fc.array(mutation, { minLength: 1, maxLength: 3 }),
  })
  .map(({ base, next, mutations }) => {
    let text = base + next;
    for (const { at, remove, insert } of mutations) {
      const place = at % (text.length + 1);
      text = text.slice(0, place) + insert + text.slice(place + remove);
    }
    return text;
  });

/** One seed: the suite must not fail by luck. `FUZZ_RUNS` explores further, with a seed of its own. */
const further = Number(process.env['FUZZ_RUNS'] ?? '0');
const RUNS = further > 0 ? { numRuns: further } : { numRuns: 4000, seed: 20_260_821 };

test('every difference over mutated messages has a name', () => {
  fc.assert(
    fc.property(mutated, (text) => void compare(text)),
    RUNS,
  );
});

test('mutated messages give the same events however they are cut', () => {
  fc.assert(
    fc.property(mutated, fc.integer({ min: 1, max: 9 }), (text, size) => {
      const whole = new ServerSide({ enableTrailers: true }).feed(text);
      const cut = new ServerSide({ enableTrailers: true }).feed(text, size);
      if (whole.failure === '') {
        assert.equal(cut.summary, whole.summary);
        return;
      }
      // A refusal may fall earlier or later in a part that is not whole; never differently.
      assert.equal(cut.failure === '' || cut.failure === whole.failure, true);
      const before = whole.requests.length - 1;
      for (let index = 0; index < before; index += 1) {
        assert.equal(cut.requests[index]?.summary, whole.requests[index]?.summary);
      }
    }),
    RUNS,
  );
});

test('the wire counts of all messages add up to the bytes that were fed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...CORPUS.slice(0, 7)), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 200 }),
      (texts, size) => {
        const text = texts.join('');
        const side = new ServerSide().feed(text, size);
        assert.equal(side.failure, '');
        assert.equal(
          side.requests.reduce((sum, { wireBytes }) => sum + wireBytes, 0),
          text.length,
        );
      },
    ),
    { numRuns: 500, seed: 1 },
  );
});
