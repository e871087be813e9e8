/**
 * Both ends of a slot: main writes versions of a named set into shared memory, each worker reads the newest of them.
 *
 *   writer --publish(changes)--> { version, index, segments } --message, by reference--> reader.set() --> get(): Snapshot
 *
 * Entries lie in append-only segments that versions share, so publishing one changed cluster of 50,000 writes that entry and
 * copies the index. A reader decodes an entry at its first use and keeps it over versions until the entry itself changes; a
 * request that started on an older snapshot goes on reading it. What no request asks for costs its bytes once per process.
 */
import type { ScopedSnapshot, SharedSnapshot, Slot, SnapshotScope } from '../api/server.ts';
import { InvariantError } from '../base/invariant.ts';
import { decodeEntry, encodeEntry } from './entry-text.ts';
import { hashName, SnapshotIndex } from './snapshot-index.ts';
import type { IndexRow } from './snapshot-index.ts';

/** Segments grow up to the larger one: small updates share one, and of the last one little is free. */
const LEAST_SEGMENT_BYTES = 64 * 1024;
const LARGE_SEGMENT_BYTES = 2 * 1024 * 1024;
/** Segments are rewritten into one when more than this part of them is dead, and no sooner than above the minimum. */
const COMPACT_WHEN_DEAD = 0.5;

/** Keeps nothing but the shared memory: what it needs to know of an entry it reads there. */
export class SnapshotWriter<T> {
  #index = SnapshotIndex.build(1, []);
  #segments: SharedArrayBuffer[] = [];
  /** The version that readers have. */
  #published = new SharedMemorySnapshot<T>(this.current());
  /** Bytes of the last segment that are taken. */
  #used = 0;
  #dead = 0;

  /** The whole set. Entries whose text did not change keep their version; names keep the order in which they first came. */
  replaceAll(values: ReadonlyMap<string, T>): SharedSnapshot {
    return this.publish(
      values,
      [...this.#published.names()].filter((name) => !values.has(name)),
    );
  }

  /** Adds or changes some entries and removes others. */
  publish(changes: ReadonlyMap<string, T>, removed: readonly string[] = []): SharedSnapshot {
    const version = this.#index.version + 1;
    const replaced = new Map<number, IndexRow>();
    const added: IndexRow[] = [];
    for (const [name, value] of changes) {
      const { text, tagged } = encodeEntry(value);
      const old = this.#published.find(name);
      if (old >= 0 && this.#published.textOf(old) === text) continue;
      const row = { ...this.#append(name, text), hash: hashName(name), entryVersion: version, tagged };
      if (old < 0) added.push(row);
      else this.#replace(old, row, replaced);
    }
    const gone = this.#drop(removed);
    const compact = this.#mustCompact();
    if (added.length === 0 && gone.size === 0 && !compact) {
      this.#index = this.#index.replaced(version, replaced);
    } else {
      const rows = [...this.#kept(replaced, gone), ...added];
      this.#index = SnapshotIndex.build(version, compact ? this.#compacted(rows) : rows);
    }
    this.#published = new SharedMemorySnapshot(this.current());
    return this.current();
  }

  current(): SharedSnapshot {
    return { version: this.#index.version, memory: this.#index.memory, segments: [...this.#segments] };
  }

  /** What a reader would decode, made anew each time. */
  read(name: string): T | undefined {
    return this.#published.load(name);
  }

  /** Bytes of shared memory that the current version holds. */
  get byteLength(): number {
    return this.#segments.reduce((sum, each) => sum + each.byteLength, this.#index.memory.byteLength);
  }

  #replace(old: number, row: IndexRow, replaced: Map<number, IndexRow>): void {
    this.#dead += this.#index.bytes(old);
    replaced.set(old, row);
  }

  #drop(names: readonly string[]): ReadonlySet<number> {
    const gone = new Set(names.map((name) => this.#published.find(name)).filter((row) => row >= 0));
    for (const row of gone) this.#dead += this.#index.bytes(row);
    return gone;
  }

  /** Rows behind a removed one move up: removal is the rare case and pays for the order. */
  #kept(replaced: ReadonlyMap<number, IndexRow>, gone: ReadonlySet<number>): IndexRow[] {
    const rows: IndexRow[] = [];
    for (let row = 0; row < this.#index.size; row += 1)
      if (!gone.has(row)) rows.push(replaced.get(row) ?? this.#index.row(row));
    return rows;
  }

  /** Straight into the segment: tens of thousands of small buffers would leave the C library's heap full of holes. */
  #append(name: string, text: string): Omit<IndexRow, 'hash' | 'entryVersion' | 'tagged'> {
    const nameBytes = Buffer.byteLength(name);
    const entryBytes = Buffer.byteLength(text);
    const target = Buffer.from(this.#room(nameBytes + entryBytes));
    const offset = this.#used;
    target.write(name, offset);
    target.write(text, offset + nameBytes);
    this.#used += nameBytes + entryBytes;
    return { segment: this.#segments.length - 1, offset, nameBytes, entryBytes };
  }

  /** The last segment, with so much free behind what is used. */
  #room(bytes: number): SharedArrayBuffer {
    const last = this.#segments.at(-1);
    if (last !== undefined && this.#used + bytes <= last.byteLength) return last;
    const doubled = Math.min((last?.byteLength ?? 0) * 2, LARGE_SEGMENT_BYTES);
    const fresh = new SharedArrayBuffer(Math.max(LEAST_SEGMENT_BYTES, bytes, doubled));
    this.#segments.push(fresh);
    this.#used = 0;
    return fresh;
  }

  #mustCompact(): boolean {
    const written = this.#segments.reduce((sum, each) => sum + each.byteLength, 0);
    return this.#dead > LEAST_SEGMENT_BYTES && this.#dead > written * COMPACT_WHEN_DEAD;
  }

  /** Live entries into fresh memory, versions kept: readers keep what they decoded. Older snapshots keep the old memory. */
  #compacted(rows: readonly IndexRow[]): IndexRow[] {
    const total = rows.reduce((sum, { nameBytes, entryBytes }) => sum + nameBytes + entryBytes, 0);
    const fresh = new SharedArrayBuffer(Math.max(LEAST_SEGMENT_BYTES, total));
    const target = Buffer.from(fresh);
    let offset = 0;
    const moved = rows.map((row) => {
      const length = row.nameBytes + row.entryBytes;
      const segment = this.#segments[row.segment];
      if (segment === undefined) throw new InvariantError(`snapshot has no segment ${row.segment}`);
      target.set(Buffer.from(segment, row.offset, length), offset);
      const at = offset;
      offset += length;
      return { ...row, segment: 0, offset: at };
    });
    this.#segments = [fresh];
    this.#used = offset;
    this.#dead = 0;
    return moved;
  }
}

interface Decoded {
  readonly entryVersion: number;
  readonly value: unknown;
}

/** A thread's end of a slot. */
export class SnapshotReader<T> implements Slot<T> {
  #current: SharedMemorySnapshot<T> | null = null;
  /** Decoded by this thread and still current. */
  readonly #decoded = new Map<string, Decoded>();
  readonly #count = { decoded: 0 };

  /** Switches to a newer version. What changed or went is forgotten, the rest stays decoded. */
  set(shared: SharedSnapshot): void {
    const next = new SharedMemorySnapshot<T>(shared, this.#decoded, this.#count);
    this.#current?.retire();
    for (const [name, decoded] of this.#decoded) {
      if (next.entryVersion(name) !== decoded.entryVersion) this.#decoded.delete(name);
    }
    this.#current = next;
  }

  get(): ScopedSnapshot<T> {
    if (this.#current === null) throw new InvariantError('slot read before it was set');
    return this.#current;
  }

  /** Entries decoded so far. */
  get decoded(): number {
    return this.#count.decoded;
  }
}

class SharedMemorySnapshot<T> implements ScopedSnapshot<T> {
  readonly version: number;
  readonly size: number;
  readonly #index: SnapshotIndex;
  readonly #segments: readonly Buffer[];
  /** The reader's map while this is its current snapshot, then one of its own with what it had. */
  #memo: Map<string, Decoded>;
  readonly #count: { decoded: number };
  readonly #matches = (index: SnapshotIndex, row: number, name: string): boolean =>
    index.nameBytes(row) >= name.length && this.#nameOf(row) === name;

  constructor(
    shared: SharedSnapshot,
    memo: Map<string, Decoded> = new Map(),
    count: { decoded: number } = { decoded: 0 },
  ) {
    this.#index = new SnapshotIndex(shared.memory);
    this.#segments = shared.segments.map((segment) => Buffer.from(segment));
    this.version = shared.version;
    this.size = this.#index.size;
    this.#memo = memo;
    this.#count = count;
  }

  get decoded(): number {
    return this.#count.decoded;
  }

  /** An unknown name leaves no trace: requests may ask for any (`cluster_header`). */
  get(name: string): T | undefined {
    const known = this.#memo.get(name);
    if (known !== undefined) return known.value as T;
    const row = this.find(name);
    return row < 0 ? undefined : this.#decode(row, name);
  }

  /** Decoded anew each time. */
  load(name: string): T | undefined {
    const row = this.find(name);
    return row < 0 ? undefined : this.#read(row);
  }

  /** The row of an entry; -1: there is none. */
  find(name: string): number {
    return this.#index.find(name, this.#matches);
  }

  /** As it was written. */
  textOf(row: number): string {
    const from = this.#index.offset(row) + this.#index.nameBytes(row);
    return this.#segment(row).toString('utf8', from, from + this.#index.entryBytes(row));
  }

  *names(): Iterable<string> {
    for (let row = 0; row < this.size; row += 1) yield this.#nameOf(row);
  }

  entryVersion(name: string): number {
    const row = this.find(name);
    return row < 0 ? 0 : this.#index.entryVersion(row);
  }

  scope(prefix: string): SnapshotScope<T> {
    const before = hashName(prefix);
    const matches = (index: SnapshotIndex, row: number, rest: string): boolean =>
      index.nameBytes(row) >= prefix.length + rest.length && this.#nameOf(row) === prefix + rest;
    return {
      load: (rest) => {
        const row = this.#index.find(rest, matches, before);
        return row < 0 ? undefined : this.#read(row);
      },
      entryVersion: (rest) => {
        const row = this.#index.find(rest, matches, before);
        return row < 0 ? 0 : this.#index.entryVersion(row);
      },
    };
  }

  /** A newer version is current: from now on this one has a memo of its own. */
  retire(): void {
    this.#memo = new Map(this.#memo);
  }

  #decode(row: number, name: string): T {
    const value = this.#read(row);
    this.#memo.set(name, { entryVersion: this.#index.entryVersion(row), value });
    return value;
  }

  #read(row: number): T {
    this.#count.decoded += 1;
    return decodeEntry({ text: this.textOf(row), tagged: this.#index.tagged(row) }) as T;
  }

  #nameOf(row: number): string {
    const from = this.#index.offset(row);
    return this.#segment(row).toString('utf8', from, from + this.#index.nameBytes(row));
  }

  #segment(row: number): Buffer {
    const segment = this.#segments[this.#index.segment(row)];
    if (segment === undefined)
      throw new InvariantError(`snapshot ${this.version} lacks the segment of row ${row}`);
    return segment;
  }
}
