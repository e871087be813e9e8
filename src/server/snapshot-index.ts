/**
 * The index of one snapshot version: a block of shared memory with a hash table over names and one row per entry.
 *
 *   Int32 words:  magic, version, entry count, bucket count | buckets (row + 1, 0 = free) | rows
 *   row:          hash, segment, offset of the name, its bytes, bytes of the entry (they follow the name), entry version, flags
 *
 * Written by main alone and never again after it was published, so workers read it without any synchronisation. Rows keep the
 * snapshot's order. An entry's version is the snapshot version in which it last changed: a reader that has it decoded keeps it.
 */
import { invariant } from '../base/invariant.ts';

const MAGIC = 0x6e70736e;
const HEADER_WORDS = 4;
const ROW_WORDS = 7;
const FLAG_TAGGED = 1;
const EMPTY_HASH = 0x811c9dc5;
/** Buckets per entry, rounded up to a power of two: probes stay short. */
const MIN_BUCKETS_PER_ENTRY = 2;

export interface IndexRow {
  readonly hash: number;
  readonly segment: number;
  readonly offset: number;
  readonly nameBytes: number;
  readonly entryBytes: number;
  readonly entryVersion: number;
  readonly tagged: boolean;
}

/**
 * FNV-1a over UTF-16 code units: both ends hash the same string, so the unit does not matter. `before`: hash of what stands in
 * front of it.
 */
export function hashName(name: string, before = EMPTY_HASH): number {
  let hash = before;
  for (let index = 0; index < name.length; index += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return hash | 0;
}

export class SnapshotIndex {
  readonly memory: SharedArrayBuffer;
  readonly version: number;
  readonly size: number;
  readonly #words: Int32Array;
  readonly #bucketMask: number;
  readonly #rowsAt: number;

  /** Opens what `build` or `replaced` made, in any thread. */
  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
    invariant(this.#words[0] === MAGIC, 'snapshot memory has no index');
    this.version = this.#word(1);
    this.size = this.#word(2);
    const buckets = this.#word(3);
    this.#bucketMask = buckets - 1;
    this.#rowsAt = HEADER_WORDS + buckets;
  }

  /** A new index over `rows`; their names must be distinct. */
  static build(version: number, rows: readonly IndexRow[]): SnapshotIndex {
    let buckets = 4;
    while (buckets < rows.length * MIN_BUCKETS_PER_ENTRY) buckets *= 2;
    const words = new Int32Array(
      new SharedArrayBuffer((HEADER_WORDS + buckets + rows.length * ROW_WORDS) * 4),
    );
    words.set([MAGIC, version, rows.length, buckets]);
    rows.forEach((row, index) => {
      let bucket = row.hash & (buckets - 1);
      while (words[HEADER_WORDS + bucket] !== 0) bucket = (bucket + 1) & (buckets - 1);
      words[HEADER_WORDS + bucket] = index + 1;
      writeRow(words, HEADER_WORDS + buckets + index * ROW_WORDS, row);
    });
    return new SnapshotIndex(words.buffer);
  }

  /** The same names with some rows changed: a copy of the memory, no table is built. */
  replaced(version: number, changes: ReadonlyMap<number, IndexRow>): SnapshotIndex {
    const words = new Int32Array(new SharedArrayBuffer(this.memory.byteLength));
    words.set(this.#words);
    words[1] = version;
    for (const [index, row] of changes) writeRow(words, this.#rowsAt + index * ROW_WORDS, row);
    return new SnapshotIndex(words.buffer);
  }

  /** Row number of the first candidate with this hash for which `matches` holds; -1 = none. `before`: see `hashName`. */
  find(
    name: string,
    matches: (index: SnapshotIndex, row: number, name: string) => boolean,
    before?: number,
  ): number {
    const hash = hashName(name, before);
    for (let bucket = hash & this.#bucketMask; ; bucket = (bucket + 1) & this.#bucketMask) {
      const row = this.#word(HEADER_WORDS + bucket) - 1;
      if (row < 0) return -1;
      if (this.#cell(row, 0) === hash && matches(this, row, name)) return row;
    }
  }

  segment(row: number): number {
    return this.#cell(row, 1);
  }

  offset(row: number): number {
    return this.#cell(row, 2);
  }

  nameBytes(row: number): number {
    return this.#cell(row, 3);
  }

  entryBytes(row: number): number {
    return this.#cell(row, 4);
  }

  entryVersion(row: number): number {
    return this.#cell(row, 5);
  }

  tagged(row: number): boolean {
    return (this.#cell(row, 6) & FLAG_TAGGED) !== 0;
  }

  /** Of name and entry. */
  bytes(row: number): number {
    return this.nameBytes(row) + this.entryBytes(row);
  }

  /** For the next version. */
  row(row: number): IndexRow {
    return {
      hash: this.#cell(row, 0),
      segment: this.segment(row),
      offset: this.offset(row),
      nameBytes: this.nameBytes(row),
      entryBytes: this.entryBytes(row),
      entryVersion: this.entryVersion(row),
      tagged: this.tagged(row),
    };
  }

  #cell(row: number, column: number): number {
    return this.#word(this.#rowsAt + row * ROW_WORDS + column);
  }

  #word(at: number): number {
    return this.#words[at] ?? 0;
  }
}

function writeRow(words: Int32Array, at: number, row: IndexRow): void {
  const flags = row.tagged ? FLAG_TAGGED : 0;
  const { hash, segment, offset, nameBytes, entryBytes, entryVersion } = row;
  words.set([hash, segment, offset, nameBytes, entryBytes, entryVersion, flags], at);
}
