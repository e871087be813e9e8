import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderList } from '../../src/codec/header-map.ts';
import { HttpBench, ledgerText } from './support/http-bench.ts';

const POST = 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\n';
const GET = 'GET / HTTP/1.1\r\nhost: h\r\n\r\n';

test('an upstream that is slow stops the reads of the client, counted in pairs', () => {
  const bench = new HttpBench();
  bench.receive(POST);
  const { callbacks } = bench.terminal;
  bench.dispatcher.run(() => {
    callbacks.onDecoderFilterAboveWriteBufferHighWatermark();
    callbacks.onDecoderFilterAboveWriteBufferHighWatermark();
  });
  assert.equal(bench.connection.readDisabled, true);
  bench.dispatcher.run(() => callbacks.onDecoderFilterBelowWriteBufferLowWatermark());
  assert.equal(bench.connection.readDisabled, true);
  bench.dispatcher.run(() => callbacks.onDecoderFilterBelowWriteBufferLowWatermark());
  assert.equal(bench.connection.readDisabled, false);
  assert.equal(bench.stat('downstream_flow_control_paused_reading_total'), 1);
  assert.equal(bench.stat('downstream_flow_control_resumed_reading_total'), 1);
});

test('a client that is slow is heard by the one who reads from upstream, also by one who comes late', () => {
  const bench = new HttpBench();
  bench.receive(GET);
  const heard: string[] = [];
  const listener = (name: string) => ({
    onAboveWriteBufferHighWatermark: () => heard.push(`${name} high`),
    onBelowWriteBufferLowWatermark: () => heard.push(`${name} low`),
  });
  const { callbacks } = bench.terminal;
  const first = listener('first');
  callbacks.addDownstreamWatermarkCallbacks(first);
  bench.dispatcher.run(() => bench.connection.crossHighWatermark());
  callbacks.addDownstreamWatermarkCallbacks(listener('second'));
  assert.deepEqual(heard.splice(0), ['first high', 'second high']);
  callbacks.removeDownstreamWatermarkCallbacks(first);
  bench.dispatcher.run(() => bench.connection.crossLowWatermark());
  assert.deepEqual(heard, ['second low']);
});

test('a connection that goes above its mark before the head is complete is not forgotten', () => {
  const bench = new HttpBench();
  bench.receive(GET.slice(0, 5));
  bench.dispatcher.run(() => bench.connection.crossHighWatermark());
  bench.receive(GET.slice(5));
  const heard: string[] = [];
  bench.terminal.callbacks.addDownstreamWatermarkCallbacks({
    onAboveWriteBufferHighWatermark: () => heard.push('high'),
    onBelowWriteBufferLowWatermark: () => heard.push('low'),
  });
  assert.deepEqual(heard, ['high']);
});

test('an answer in the middle of a pause ends the pause with the stream', () => {
  const bench = new HttpBench();
  bench.receive(POST);
  bench.dispatcher.run(() => {
    bench.terminal.callbacks.onDecoderFilterAboveWriteBufferHighWatermark();
    bench.terminal.respond(503, 'no');
  });
  assert.equal(bench.connection.readDisabled, false);
  assert.equal(bench.stat('downstream_flow_control_resumed_reading_total'), 1);
  bench.terminal.callbacks.onDecoderFilterBelowWriteBufferLowWatermark();
  bench.flush();
  assert.equal(bench.connection.readDisableDepth, 0);
});

test('a client that leaves in the middle of a pause breaks nothing', () => {
  const bench = new HttpBench();
  bench.receive(POST);
  bench.dispatcher.run(() => bench.terminal.callbacks.onDecoderFilterAboveWriteBufferHighWatermark());
  bench.dispatcher.run(() => bench.connection.fail());
  bench.terminal.callbacks.onDecoderFilterBelowWriteBufferLowWatermark();
  assert.equal(bench.log.length, 1);
});

test('the ledger says whose slowness held the stream up', () => {
  const bench = new HttpBench();
  bench.receive(POST);
  const { callbacks } = bench.terminal;
  bench.dispatcher.run(() => callbacks.onDecoderFilterAboveWriteBufferHighWatermark());
  bench.dispatcher.advance(5);
  bench.dispatcher.run(() => callbacks.onDecoderFilterBelowWriteBufferLowWatermark());
  bench.receive('x'.repeat(100));
  bench.dispatcher.run(() => {
    callbacks.setUpstreamWait('body');
    callbacks.encodeHeaders(HeaderList.response(200), false);
    bench.connection.crossHighWatermark();
  });
  bench.dispatcher.advance(7);
  bench.dispatcher.run(() => bench.connection.crossLowWatermark());
  bench.dispatcher.advance(2);
  bench.dispatcher.run(() => bench.terminal.data('', true));
  bench.flush();
  const info = bench.log[0]?.context.info;
  assert.ok(info !== undefined);
  assert.equal(ledgerText(info), 'body=2000,flow.downstream=7000,flow.upstream=5000');
});
