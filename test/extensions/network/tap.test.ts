/** The tap writes every byte once, however often and in whatever pieces it is shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FilterStatus, ReadFilter, WriteFilter } from '../../../src/api/network.ts';
import { bytesOf } from '../../../src/buffer/bytes.ts';
import { ChunkQueue, HEAP_BLOCKS } from '../../../src/buffer/chunk-queue.ts';
import { tapFactory } from '../../../src/extensions/network/tap.ts';
import { prepareUpstreamFilters } from '../../../src/extensions/registry.ts';
import { FakeConnection } from '../../support/fake-connection.ts';
import { LineList } from '../../support/line-list.ts';

const TYPE = 'nodeproxy.extensions.filters.network.tap.v1.Tap';

class TappedConnection extends FakeConnection {
  writer: WriteFilter | null = null;
  override addWriteFilter(filter: WriteFilter): void {
    this.writer = filter;
  }
}

interface Entry {
  readonly connection: number;
  readonly event: string;
  readonly bytes?: number;
  readonly data?: string;
}

function tapped(): { connection: TappedConnection; filter: ReadFilter; entries: () => Entry[] } {
  const list = new LineList();
  const { lines } = list;
  const connection = new TappedConnection('upstream');
  const openLog = (path: string) => {
    assert.equal(path, '/tap');
    return list;
  };
  const filter = tapFactory.prepare({ path: '/tap' }, { cluster: 'c', openLog })();
  filter.initializeReadFilterCallbacks({ connection, continueReading: () => undefined });
  const entries = (): Entry[] => lines.splice(0).map((line) => JSON.parse(line) as Entry);
  return { connection, filter, entries };
}

function show(
  filter: ReadFilter,
  connection: TappedConnection,
  data: ChunkQueue,
  more: string,
): FilterStatus {
  data.push(bytesOf(Buffer.from(more)));
  connection.bytesReceived += more.length;
  return filter.onData(data, false);
}

const textOf = (entries: readonly Entry[]): string[] =>
  entries.map(({ event, data = '' }) => `${event} ${String(Buffer.from(data, 'base64'))}`);

test('bytes that stay in the buffer are not written again with the next ones', () => {
  const { connection, filter, entries } = tapped();
  const data = new ChunkQueue(HEAP_BLOCKS);
  assert.equal(show(filter, connection, data, 'half'), 'continue');
  assert.equal(show(filter, connection, data, ' a line'), 'continue');
  data.drain(6);
  show(filter, connection, data, '.');
  filter.onData(data, true);
  const all = entries();
  assert.deepEqual(textOf(all), ['read half', 'read  a line', 'read .', 'read-end ']);
  assert.ok(all.every(({ connection: id }) => id === connection.id));
});

test('a large write is cut into lines of 16 KiB at most and passed on untouched', () => {
  const { connection, entries } = tapped();
  const data = new ChunkQueue(HEAP_BLOCKS);
  const bytes = Buffer.alloc(100_000, 'ab');
  data.push(bytesOf(bytes));
  assert.equal(connection.writer?.onWrite(data, true), 'continue');
  assert.equal(data.length, bytes.length);
  const written = entries();
  assert.equal(written.pop()?.event, 'write-end');
  assert.ok(written.every(({ bytes: size = 0 }) => size > 0 && size <= 16 * 1024));
  const joined = Buffer.concat(written.map(({ data: text = '' }) => Buffer.from(text, 'base64')));
  assert.ok(joined.equals(bytes));
});

test('filters of a cluster are made in order, and a type that is none is refused', () => {
  const opened: string[] = [];
  const openLog = (path: string) => {
    opened.push(path);
    return new LineList();
  };
  const tap = (path: string) => ({ name: path, typed_config: { '@type': TYPE, path } as const });
  const made = prepareUpstreamFilters({ filters: [tap('/a'), tap('/b')] }, { cluster: 'c', openLog });
  assert.deepEqual([made.length, opened], [2, ['/a', '/b']]);
  assert.throws(
    () => prepareUpstreamFilters({ filters: [{ name: 'none' }] }, { cluster: 'c', openLog }),
    /cluster c: no upstream filter none/,
  );
});
