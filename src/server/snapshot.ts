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

/** A segment holds the entries of one publication, at least this much, so that small updates share one. */
const MIN_SEGMENT_BYTES = 64 * 1024;
/** Segments are rewritten into one when more than this part of them is dead, and no sooner than above the minimum. */
const COMPACT_WHEN_DEAD = 0.5;

export class SnapshotWriter<T> {
  #rows = new Map<string, number>();
  #entries: IndexRow[] = [];
  #index = SnapshotIndex.build(1, []);
  #segments: SharedArrayBuffer[] = [];
  #used = 0;
  #dead = 0;

  /** The whole set. Entries whose text did not change keep their version; names keep the order in which they first came. */
  replaceAll(values: ReadonlyMap<string, T>): SharedSnapshot {
    return this.publish(
      values,
      [...this.#rows.keys()].filter((name) => !values.has(name)),
    );
  }

  /** Adds or changes some entries and removes others. */
  publish(changes: ReadonlyMap<string, T>, removed: readonly string[] = []): SharedSnapshot {
    const version = this.#index.version + 1;
    const replaced = new Map<number, IndexRow>();
    const before = this.#entries.length;
    for (const [name, value] of changes) this.#put(name, value, version, replaced);
    const gone = this.#drop(removed);
    if (this.#mustCompact()) this.#compact();
    else if (gone === 0 && this.#entries.length === before) {
      this.#index = this.#index.replaced(version, replaced);
      return this.current();
    }
    this.#index = SnapshotIndex.build(version, this.#entries);
    return this.current();
  }

  current(): SharedSnapshot {
    return { version: this.#index.version, memory: this.#index.memory, segments: [...this.#segments] };
  }

  /** What a reader would decode, made anew each time. */
  read(name: string): T | undefined {
    const position = this.#rows.get(name);
    const row = position === undefined ? undefined : this.#entries[position];
    if (row === undefined) return undefined;
    const text = this.#bytesOf(row).toString('utf8', row.nameBytes);
    return decodeEntry({ text, tagged: row.tagged }) as T;
  }

  /** Bytes of shared memory that the current version holds. */
  get byteLength(): number {
    return this.#segments.reduce((sum, each) => sum + each.byteLength, this.#index.memory.byteLength);
  }

  #put(name: string, value: T, version: number, replaced: Map<number, IndexRow>): void {
    const { text, tagged } = encodeEntry(value);
    const nameBytes = Buffer.byteLength(name);
    const bytes = Buffer.concat([Buffer.from(name), Buffer.from(text)]);
    const position = this.#rows.get(name);
    const old = position === undefined ? undefined : this.#entries[position];
    if (old !== undefined && this.#bytesOf(old).equals(bytes)) return;
    const place = this.#append(bytes);
    const entryBytes = bytes.length - nameBytes;
    const row = { hash: hashName(name), ...place, nameBytes, entryBytes, entryVersion: version, tagged };
    if (position === undefined || old === undefined) {
      this.#rows.set(name, this.#entries.length);
      this.#entries.push(row);
      return;
    }
    this.#dead += old.nameBytes + old.entryBytes;
    this.#entries[position] = row;
    replaced.set(position, row);
  }

  /** Rows behind a removed one move up: removal is the rare case and pays for the order. Gives the number removed. */
  #drop(names: readonly string[]): number {
    const places = new Set(names.map((name) => this.#rows.get(name)).filter((place) => place !== undefined));
    if (places.size === 0) return 0;
    const kept = [...this.#rows].filter(([, place]) => !places.has(place));
    for (const place of places) {
      const row = this.#entries[place];
      if (row !== undefined) this.#dead += row.nameBytes + row.entryBytes;
    }
    this.#entries = this.#entries.filter((_, place) => !places.has(place));
    this.#rows = new Map(kept.map(([name], place) => [name, place]));
    return places.size;
  }

  #append(bytes: Buffer): { segment: number; offset: number } {
    let last = this.#segments.at(-1);
    if (last === undefined || this.#used + bytes.length > last.byteLength) {
      const doubled = Math.min((last?.byteLength ?? 0) * 2, 16 * 1024 * 1024);
      last = new SharedArrayBuffer(Math.max(MIN_SEGMENT_BYTES, bytes.length, doubled));
      this.#segments.push(last);
      this.#used = 0;
    }
    const place = { segment: this.#segments.length - 1, offset: this.#used };
    Buffer.from(last).set(bytes, this.#used);
    this.#used += bytes.length;
    return place;
  }

  #bytesOf(row: IndexRow): Buffer {
    const segment = this.#segments[row.segment];
    if (segment === undefined) throw new InvariantError(`snapshot has no segment ${row.segment}`);
    return Buffer.from(segment, row.offset, row.nameBytes + row.entryBytes);
  }

  #mustCompact(): boolean {
    const written = this.#segments.reduce((sum, each) => sum + each.byteLength, 0);
    return this.#dead > MIN_SEGMENT_BYTES && this.#dead > written * COMPACT_WHEN_DEAD;
  }

  /** Live entries into fresh memory, versions kept: readers keep what they decoded. Older snapshots keep the old memory. */
  #compact(): void {
    const live = this.#entries.map((row) => this.#bytesOf(row));
    const total = live.reduce((sum, each) => sum + each.length, 0);
    const segment = new SharedArrayBuffer(Math.max(MIN_SEGMENT_BYTES, total));
    const target = Buffer.from(segment);
    let offset = 0;
    this.#entries = this.#entries.map((row, position) => {
      const bytes = live[position] ?? Buffer.alloc(0);
      target.set(bytes, offset);
      const moved = { ...row, segment: 0, offset };
      offset += bytes.length;
      return moved;
    });
    this.#segments = [segment];
    this.#used = offset;
    this.#dead = 0;
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

  constructor(shared: SharedSnapshot, memo: Map<string, Decoded>, count: { decoded: number }) {
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
    const row = this.#index.find(name, this.#matches);
    return row < 0 ? undefined : this.#decode(row, name);
  }

  *names(): Iterable<string> {
    for (let row = 0; row < this.size; row += 1) yield this.#nameOf(row);
  }

  entryVersion(name: string): number {
    const row = this.#index.find(name, this.#matches);
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
    const from = this.#index.offset(row) + this.#index.nameBytes(row);
    const text = this.#segment(row).toString('utf8', from, from + this.#index.entryBytes(row));
    this.#count.decoded += 1;
    return decodeEntry({ text, tagged: this.#index.tagged(row) }) as T;
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
