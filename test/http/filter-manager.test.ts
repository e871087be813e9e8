import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpBench, bytes, parse } from './support/http-bench.ts';
import type { BenchOptions } from './support/http-bench.ts';
import { ScriptedFilter } from './support/scripted-filter.ts';
import type { FilterScript } from './support/scripted-filter.ts';

interface Chain {
  readonly bench: HttpBench;
  readonly trace: string[];
  /** Filters of the newest stream. */
  readonly filters: Record<string, ScriptedFilter>;
}

function chain(scripts: Record<string, FilterScript>, options: BenchOptions = {}): Chain {
  const trace: string[] = [];
  const filters: Record<string, ScriptedFilter> = {};
  const bench = new HttpBench({
    ...options,
    filters: Object.entries(scripts).map(([name, script]) => () => {
      const filter = new ScriptedFilter(name, trace, script);
      filters[name] = filter;
      return filter;
    }),
  });
  return { bench, trace, filters };
}

function filterOf(made: Chain, name: string): ScriptedFilter {
  const filter = made.filters[name];
  assert.ok(filter !== undefined);
  return filter;
}

const GET = 'GET / HTTP/1.1\r\nhost: h\r\n\r\n';
const CHUNKED = 'POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n';

function post(length: number, body = ''): string {
  return `POST / HTTP/1.1\r\nhost: h\r\ncontent-length: ${length}\r\n\r\n${body}`;
}

test('three filters see the request in order and the response in reverse', () => {
  const { bench, trace } = chain({ a: {}, b: {}, c: {} });
  bench.receive(post(2, 'hi'));
  assert.deepEqual(trace.splice(0), ['a>H', 'b>H', 'c>H', 'a>Dhi.', 'b>Dhi.', 'c>Dhi.']);
  bench.terminal.respond(200, 'ok');
  assert.deepEqual(trace.splice(0), ['c<H200', 'b<H200', 'a<H200', 'c<Dok.', 'b<Dok.', 'a<Dok.']);
  bench.flush();
  assert.deepEqual(trace.sort(), ['ax', 'bx', 'cx'], 'each is told of the end once');
});

test('a filter that stops the head holds the ones behind it up until it continues', () => {
  const made = chain({ a: {}, b: { decodeHeaders: () => 'stop' }, c: {} });
  const { bench, trace } = made;
  bench.receive(GET);
  assert.deepEqual(trace.splice(0), ['a>H.', 'b>H.']);
  bench.dispatcher.run(() => filterOf(made, 'b').decoder.continueDecoding());
  assert.deepEqual(trace, ['c>H.']);
  assert.deepEqual(bench.terminal.seen, ['headers end']);
});

test('body that arrives while a filter holds the head goes to it, is kept, and follows the head', () => {
  const made = chain({
    a: { decodeHeaders: () => 'stop', decodeData: () => 'stop-and-buffer' },
    b: {},
  });
  const { bench, trace } = made;
  bench.receive(post(4, 'ab'));
  bench.receive('cd');
  assert.deepEqual(trace.splice(0), ['a>H', 'a>Dab', 'a>Dcd.']);
  assert.equal(filterOf(made, 'a').decoder.decodingBuffer?.length, 4);
  bench.dispatcher.run(() => filterOf(made, 'a').decoder.continueDecoding());
  assert.equal(bench.terminal.body, 'abcd');
  assert.equal(trace[0], 'b>H');
  assert.equal(bench.terminal.seen.at(-1), 'data end');
});

test('stop-all shows the filter no body until it continues, and then all of it', () => {
  for (const status of ['stop-all-and-buffer', 'stop-all-and-watermark'] as const) {
    const made = chain({ a: { decodeHeaders: () => status }, b: {} });
    const { bench, trace } = made;
    bench.receive(post(2, 'hi'));
    assert.deepEqual(trace.splice(0), ['a>H']);
    bench.dispatcher.run(() => filterOf(made, 'a').decoder.continueDecoding());
    assert.deepEqual(trace, ['b>H', 'a>Dhi.', 'b>Dhi.']);
  }
});

test('a filter may go on with the body: continue in data passes the head that it had stopped', () => {
  const { bench, trace } = chain({
    a: { decodeHeaders: () => 'stop', decodeData: (_, end) => (end ? 'continue' : 'stop-and-buffer') },
  });
  bench.receive(post(4, 'ab'));
  assert.equal(bench.terminal.seen.length, 0);
  bench.receive('cd');
  assert.deepEqual(trace, ['a>H', 'a>Dab', 'a>Dcd.']);
  assert.equal(bench.terminal.body, 'abcd');
  assert.deepEqual(bench.terminal.seen[0], 'headers');
});

test('continueDecoding inside the callback that returns stop counts', () => {
  const { bench } = chain({
    a: {
      decodeHeaders: (filter) => {
        filter.decoder.continueDecoding();
        return 'stop';
      },
    },
  });
  bench.receive(GET);
  assert.deepEqual(bench.terminal.seen, ['headers end']);
});

test('trailers wait behind the body that is kept, and pass behind it', () => {
  const made = chain(
    { a: { decodeData: () => 'stop-and-buffer', decodeTrailers: () => 'stop' }, b: {} },
    { trailers: true },
  );
  const { bench, trace } = made;
  bench.receive(`${CHUNKED}2\r\nhi\r\n0\r\nx-t: 1\r\n\r\n`);
  assert.deepEqual(trace.splice(0), ['a>H', 'b>H', 'a>Dhi', 'a>T']);
  bench.dispatcher.run(() => filterOf(made, 'a').decoder.continueDecoding());
  assert.deepEqual(trace, ['b>Dhi', 'b>T']);
  assert.equal(bench.terminal.seen.at(-1), 'trailers');
});

test('more than the limit in a buffering filter is 413, in a watermark filter it pauses the source', () => {
  const buffering = chain({ a: { decodeData: () => 'stop-and-buffer' } }, { bufferLimitBytes: 4 });
  buffering.bench.receive(post(100, '01234'));
  assert.match(buffering.bench.answer(), /^HTTP\/1\.1 413 Payload Too Large/);
  assert.equal(buffering.bench.stat('downstream_rq_too_large'), 1);

  const made = chain({ a: { decodeData: () => 'stop-and-watermark' } }, { bufferLimitBytes: 4 });
  const { bench } = made;
  bench.receive(post(7, '0123'));
  assert.equal(bench.connection.readDisabled, false, 'exactly the limit is not above it');
  bench.receive('4');
  assert.equal(bench.connection.readDisabled, true);
  assert.equal(bench.stat('downstream_flow_control_paused_reading_total'), 1);
  bench.dispatcher.run(() => filterOf(made, 'a').decoder.continueDecoding());
  assert.equal(bench.connection.readDisabled, false);
  assert.equal(bench.stat('downstream_flow_control_resumed_reading_total'), 1);
  assert.equal(bench.terminal.body, '01234');
});

test('a filter may raise the limit', () => {
  const { bench } = chain(
    {
      a: {
        decodeHeaders: (filter) => {
          filter.decoder.decoderBufferLimit = 100;
          assert.equal(filter.encoder.encoderBufferLimit, 100);
          return 'continue';
        },
        decodeData: () => 'stop-and-buffer',
      },
    },
    { bufferLimitBytes: 4 },
  );
  bench.receive(post(100, '0123456789'));
  assert.equal(bench.answer(), '');
});

test('a response that is too large for a buffering filter is 500, past the filters', () => {
  const { bench, trace } = chain(
    { a: {}, b: { encodeHeaders: () => 'stop', encodeData: () => 'stop-and-buffer' } },
    { bufferLimitBytes: 4 },
  );
  bench.receive(GET);
  trace.length = 0;
  bench.dispatcher.run(() => bench.terminal.respond(200, '01234'));
  const { status, body } = parse(bench.answer());
  assert.equal(status, 'HTTP/1.1 500 Internal Server Error');
  assert.equal(body, 'Internal Server Error');
  assert.deepEqual(trace.slice(0, 2), ['b<H200', 'b<D01234.']);
  assert.equal(bench.log[0]?.details, 'response_payload_too_large');
  assert.equal(bench.stat('rs_too_large'), 1);
});

test('a response too large whose head has gone is a reset', () => {
  const { bench } = chain({ a: { encodeData: () => 'stop-and-buffer' } }, { bufferLimitBytes: 4 });
  bench.receive(GET);
  bench.dispatcher.run(() => bench.terminal.respond(200, '01234'));
  assert.equal(bench.log[0]?.details, 'response_payload_too_large');
  assert.equal(bench.log[0]?.code, 200);
  assert.notEqual(bench.connection.closedBy, null);
  assert.equal(bench.stat('downstream_rq_tx_reset'), 1);
});

test('a watermark filter of the response slows the one who reads from upstream', () => {
  const made = chain({ a: { encodeData: () => 'stop-and-watermark' } }, { bufferLimitBytes: 4 });
  const { bench } = made;
  bench.receive(GET);
  const heard: string[] = [];
  bench.terminal.callbacks.addDownstreamWatermarkCallbacks({
    onAboveWriteBufferHighWatermark: () => heard.push('high'),
    onBelowWriteBufferLowWatermark: () => heard.push('low'),
  });
  bench.dispatcher.run(() => bench.terminal.respond(200, '01234'));
  assert.deepEqual(heard, ['high']);
  bench.dispatcher.run(() => filterOf(made, 'a').encoder.continueEncoding());
  assert.deepEqual(heard, ['high', 'low']);
  assert.equal(parse(bench.answer()).body, '01234');
});

test('a local reply goes through every encode filter and no further decode filter', () => {
  const { bench, trace } = chain({
    a: {},
    b: {
      decodeHeaders: (filter) => {
        filter.decoder.sendLocalReply(401, 'no', 'denied', (headers) => headers.set('x-why', 'b'));
        return 'stop';
      },
    },
    c: {},
  });
  bench.receive(post(2, 'hi'));
  assert.deepEqual(trace.splice(0, 8), [
    'a>H',
    'b>H',
    'c<H401',
    'b<H401',
    'a<H401',
    'c<Dno.',
    'b<Dno.',
    'a<Dno.',
  ]);
  const { status, headers, body } = parse(bench.answer());
  assert.equal(status, 'HTTP/1.1 401 Unauthorized');
  assert.ok(headers.includes('x-why: b'));
  assert.equal(body, 'no');
  assert.equal(bench.log[0]?.details, 'denied');
  assert.equal(bench.terminal.seen.length, 0);
});

test('a filter that answers and yet says continue has answered', () => {
  const { bench } = chain({
    a: {
      decodeHeaders: (filter) => {
        filter.decoder.sendLocalReply(403, '', 'denied');
        return 'continue';
      },
    },
  });
  bench.receive(GET);
  assert.match(bench.answer(), /^HTTP\/1\.1 403 /);
  assert.equal(bench.terminal.seen.length, 0);
});

test('a reset inside any callback ends the stream once and calls no filter behind it', () => {
  const inside: readonly (keyof FilterScript)[] = [
    'decodeHeaders', 'decodeData', 'decodeTrailers', 'encodeHeaders', 'encodeData', 'encodeTrailers',
  ]; // prettier-ignore
  for (const place of inside) {
    const script: FilterScript = {
      [place]: (filter: ScriptedFilter) => {
        filter.decoder.resetStream();
        return 'continue';
      },
    };
    const { bench, trace } = chain({ a: script }, { trailers: true });
    bench.receive(`${CHUNKED}2\r\nhi\r\n0\r\nx-t: 1\r\n\r\n`);
    bench.dispatcher.run(() => {
      if (!place.startsWith('encode')) return;
      const { callbacks } = bench.terminal;
      bench.terminal.callbacks.encodeHeaders(
        Object.assign(callbacks.requestHeaders!.clone(), { status: 200 }),
        false,
      );
      callbacks.encodeData(bytes('x'), false);
      callbacks.encodeTrailers(callbacks.requestHeaders!.clone());
    });
    bench.flush();
    assert.equal(bench.log.length, 1, place);
    assert.equal(trace.filter((event) => event === 'ax').length, 1, place);
    assert.equal(bench.stat('downstream_rq_active'), 0, place);
    assert.equal(bench.stat('downstream_rq_tx_reset'), 1, place);
  }
});

test('a response head that a filter stopped goes out when it continues, body and trailers behind it', () => {
  const made = chain({ a: { encodeHeaders: () => 'stop', encodeData: () => 'stop-and-buffer' } });
  const { bench } = made;
  bench.receive(GET);
  bench.dispatcher.run(() => bench.terminal.respond(200, 'late'));
  assert.equal(bench.answer(), '');
  bench.dispatcher.run(() => filterOf(made, 'a').encoder.continueEncoding());
  assert.equal(parse(bench.answer()).body, 'late');
});

test('injected body reaches the filters behind, head first', () => {
  const made = chain({ a: { decodeHeaders: () => 'stop', decodeData: () => 'stop-no-buffer' }, b: {} });
  const { bench, trace } = made;
  bench.receive(post(2, 'hi'));
  trace.length = 0;
  bench.dispatcher.run(() => filterOf(made, 'a').decoder.injectDecodedData(bytes('HI'), true));
  assert.deepEqual(trace, ['b>H', 'b>DHI.']);
  assert.equal(bench.terminal.body, 'HI');
});

test('only filters that work in a direction stand in its way, and methods that are absent continue', () => {
  const bench = new HttpBench({ filters: [() => ({ encodeHeaders: () => 'continue' }), () => ({})] });
  bench.receive(post(2, 'hi'));
  assert.equal(bench.terminal.body, 'hi');
  bench.terminal.respond(200, 'ok');
  assert.equal(parse(bench.answer()).body, 'ok');
});

test('callbacks are inert when the stream is over', () => {
  const made = chain({ a: {} });
  const { bench } = made;
  bench.receive(GET);
  const { decoder, encoder } = filterOf(made, 'a');
  bench.terminal.respond(200);
  bench.answer();
  decoder.sendLocalReply(500, 'late', 'late');
  decoder.continueDecoding();
  encoder.continueEncoding();
  decoder.resetStream();
  decoder.encodeData(bytes('late'), true);
  decoder.injectDecodedData(bytes('late'), true);
  assert.equal(bench.answer(), '');
  assert.equal(bench.log.length, 1);
  assert.equal(bench.connection.closedBy, null);
});

test('the ledger names the filter that took the time and the one that the stream waited for', () => {
  const made = chain({
    busy: {
      decodeHeaders: (filter) => {
        (filter.decoder.dispatcher.clock as { time?: number }).time! += 5;
        return 'continue';
      },
    },
    slow: { decodeHeaders: () => 'stop' },
  });
  const { bench } = made;
  bench.receive(GET);
  bench.dispatcher.advance(9000);
  bench.dispatcher.run(() => filterOf(made, 'slow').decoder.continueDecoding());
  bench.terminal.respond(200);
  bench.flush();
  const info = bench.log[0]?.context.info;
  assert.ok(info !== undefined);
  assert.equal((info.ledger as unknown as { text(): string }).text(), 'filter.f0=5000,paused.f1=9000000');
});
