import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BatchedLines, LineSinkStats } from '../../src/observe/line-sink.ts';
import type { LinePort, LinesMessage, TakenMessage } from '../../src/observe/line-port.ts';
import { WorkerSinks } from '../../src/observe/worker-sinks.ts';
import { FakeDispatcher } from '../support/fake-dispatcher.ts';
import { CountingStats } from './support/counting-stats.ts';

class FakePort implements LinePort {
  readonly messages: LinesMessage[] = [];
  #onMessage: (message: TakenMessage) => void = () => undefined;
  #onClose: () => void = () => undefined;

  get text(): string {
    return this.messages.map(({ memory, length }) => Buffer.from(memory, 0, length).toString()).join('');
  }

  postMessage(message: LinesMessage, transfer: readonly ArrayBuffer[]): void {
    assert.deepEqual(transfer, [message.memory]);
    this.messages.push(message);
  }

  on(event: 'message' | 'close', listener: ((message: TakenMessage) => void) | (() => void)): void {
    if (event === 'message') this.#onMessage = listener;
    else this.#onClose = () => (listener as () => void)();
  }

  unref(): void {
    return;
  }

  acknowledge(lost = 0): void {
    const message = this.messages.shift();
    assert.ok(message !== undefined);
    this.#onMessage({ ...message, kind: 'taken', lost });
  }

  close(): void {
    this.#onClose();
  }
}

function sinkWith(options: { batchBytes?: number; maxOutstandingBytes?: number; onPortClosed?: () => void }) {
  const dispatcher = new FakeDispatcher();
  const stats = new CountingStats();
  const sink = new BatchedLines({
    dispatcher,
    flushIntervalMs: 50,
    stats: new LineSinkStats(stats),
    ...options,
  });
  const port = new FakePort();
  return { dispatcher, stats, sink, port };
}

describe("a worker's log sink", () => {
  it('sends what it has when the interval passes, and arms the timer only when there is something', () => {
    const { dispatcher, stats, sink, port } = sinkWith({});
    sink.attach(port);
    assert.equal(dispatcher.nextDeadline(), Infinity);
    sink.write('a\n');
    dispatcher.advance(20);
    sink.write('b\n');
    assert.equal(port.messages.length, 0);
    dispatcher.advance(30);
    assert.equal(port.text, 'a\nb\n');
    assert.equal(dispatcher.nextDeadline(), Infinity);
    assert.equal(stats.get('filesystem.flushed_by_timer'), 1);
    assert.equal(stats.get('filesystem.write_buffered'), 2);
    assert.equal(stats.get('filesystem.write_total_buffered'), 4);
    port.acknowledge();
    assert.equal(stats.get('filesystem.write_total_buffered'), 0);
    assert.equal(stats.get('filesystem.write_completed'), 1);
  });

  it('sends a batch of whole lines as soon as the next line does not fit', () => {
    const { sink, port } = sinkWith({ batchBytes: 10 });
    sink.attach(port);
    for (const line of ['aaa\n', 'bbb\n', 'ccc\n', 'éé\n']) sink.write(line);
    sink.flush();
    assert.deepEqual(
      port.messages.map(({ memory, length, lines }) => [Buffer.from(memory, 0, length).toString(), lines]),
      [
        ['aaa\nbbb\n', 2],
        ['ccc\néé\n', 2],
      ],
    );
  });

  it('sends a line that is longer than a batch by itself, in order', () => {
    const { sink, port } = sinkWith({ batchBytes: 10 });
    sink.attach(port);
    sink.write('a\n');
    sink.write(`${'x'.repeat(30)}\n`);
    sink.write('b\n');
    sink.flush();
    assert.equal(port.text, `a\n${'x'.repeat(30)}\nb\n`);
  });

  it('drops and counts lines while the thread is behind, in bounded memory, and goes on afterwards', () => {
    const { dispatcher, stats, sink, port } = sinkWith({ batchBytes: 100, maxOutstandingBytes: 300 });
    sink.attach(port);
    for (let index = 0; index < 1000; index += 1) {
      sink.write(`${index}`.padStart(49) + '\n');
      dispatcher.advance(60);
    }
    assert.ok(sink.outstandingBytes <= 300, `${sink.outstandingBytes} bytes`);
    const dropped = stats.get('access_log_file.write_dropped');
    const sent = port.messages.reduce((sum, { lines }) => sum + lines, 0);
    assert.equal(port.messages.length, 3, 'also small batches count as the memory that they hold');
    assert.equal(sent + dropped + 2, 1000, 'two lines wait in the open batch');
    while (port.messages.length > 0) port.acknowledge();
    sink.write('back\n');
    sink.flush();
    assert.match(port.text, /back\n$/);
    assert.equal(stats.get('access_log_file.write_dropped'), dropped);
  });

  it('keeps what is written before its port comes', () => {
    const { sink, port } = sinkWith({ batchBytes: 10 });
    sink.write('first--\n');
    sink.write('second-\n');
    sink.attach(port);
    sink.flush();
    assert.equal(port.text, 'first--\nsecond-\n');
  });

  it('counts what a thread lost, and what a dead thread had not acknowledged', () => {
    let closed = 0;
    const { stats, sink, port } = sinkWith({
      onPortClosed: () => {
        closed += 1;
      },
    });
    sink.attach(port);
    sink.write('a\n');
    sink.flush();
    port.acknowledge(1);
    assert.equal(stats.get('filesystem.write_failed'), 1);
    sink.write('b\n');
    sink.write('c\n');
    sink.flush();
    port.close();
    assert.equal(closed, 1);
    assert.equal(stats.get('access_log_file.write_dropped'), 3);
    assert.equal(sink.outstandingBytes, 0);
    const next = new FakePort();
    sink.write('d\n');
    sink.attach(next);
    sink.flush();
    assert.equal(next.text, 'd\n');
  });

  it('uses the memory that comes back again', () => {
    const { sink, port } = sinkWith({});
    sink.attach(port);
    sink.write('a\n');
    sink.flush();
    const memory = port.messages[0]?.memory;
    port.acknowledge();
    sink.write('b\n');
    sink.flush();
    assert.equal(port.messages[0]?.memory, memory);
    assert.equal(port.text, 'b\n');
  });
});

describe("a worker's log files", () => {
  it('share one sink per path, ask main once, and ask again when the thread has died', () => {
    const dispatcher = new FakeDispatcher();
    const requested: string[] = [];
    const sinks = new WorkerSinks({
      dispatcher,
      flushIntervalMs: 50,
      stats: new CountingStats(),
      requestPort: (path) => requested.push(path),
    });
    assert.equal(sinks.open('/x'), sinks.open('/x'));
    assert.notEqual(sinks.open('/y'), sinks.open('/x'));
    assert.deepEqual(requested, ['/x', '/y']);
    const port = new FakePort();
    sinks.attach('/x', port);
    sinks.open('/x').write('a\n');
    sinks.flush();
    assert.equal(port.text, 'a\n');
    port.close();
    assert.deepEqual(requested, ['/x', '/y']);
    dispatcher.advance(1000);
    assert.deepEqual(requested, ['/x', '/y', '/x']);
  });
});
