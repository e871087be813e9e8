/**
 * The reads or writes of one message: up to 16 fragments, the first 8 and the last 8; those between are counted and summed.
 *
 *   [0 .. 7] kept for good     [8 .. 15] ring of the newest     what the ring pushes out -> skippedCount, skippedBytes
 *
 * One flat array of small integers, six numbers a fragment, made with room for one (most messages are); times in microseconds
 * since the stream's start.
 * Resumptions of reading (`+5<..>`) are rare and stand apart. Owned by one stream; never shrinks, never exceeds 16 fragments.
 */
import type { Mark } from '../api/observe.ts';

export const KEPT_FIRST = 8;
export const KEPT_LAST = 8;
const CAPACITY = KEPT_FIRST + KEPT_LAST;

/** Numbers of a fragment: connection (`id * 2 + secure`), begin, took, waited (read) or times blocked (write), bytes, marks. */
const STRIDE = 6;
const CONNECTION = 0;
const AT = 1;
const TOOK = 2;
const FIFTH = 3;
const BYTES = 4;
const MARKS = 5;

/**
 * Marks of a read in one small integer: 2 bits for each of up to 3 marks (1 = H, 2 = D, 3 = E), above them 8 bits for each
 * one's `!n`. Marks of a write: 1 = the buffer was drained.
 */
const MARKS_PER_READ = 3;
const MARK_BITS = 2;
const PAUSE_SHIFT = MARKS_PER_READ * MARK_BITS;
const PAUSE_BITS = 8;
const MAX_PAUSES = (1 << PAUSE_BITS) - 1;
const MARK_CODES = { H: 1, D: 2, E: 3 } as const;

/** Numbers of a resumption: serial of the fragment * 4 + mark, after (us), at (us). */
const RESUME_STRIDE = 3;
const MAX_RESUMES = 32;

export class FragmentLog {
  /** Fragments ever pushed. */
  pushed = 0;
  skippedBytes = 0;
  /** Serial of the read that the newest fragment stands for, and its connection. */
  #serial = 0;
  readonly #numbers = [0, 0, 0, 0, 0, 0];
  #resumes: number[] | null = null;

  /** Fragments kept. */
  get count(): number {
    return this.pushed < CAPACITY ? this.pushed : CAPACITY;
  }

  /** Fragments left out between the first ones and the last ones. */
  get skippedCount(): number {
    return this.pushed < CAPACITY ? 0 : this.pushed - CAPACITY;
  }

  connectionAt(index: number): number {
    return this.#at(index, CONNECTION) >>> 1;
  }

  secureAt(index: number): boolean {
    return (this.#at(index, CONNECTION) & 1) === 1;
  }

  atUs(index: number): number {
    return this.#at(index, AT);
  }

  tookUs(index: number): number {
    return this.#at(index, TOOK);
  }

  /** `waited` of a read, in microseconds. */
  waitedUs(index: number): number {
    return this.#at(index, FIFTH);
  }

  /** `blocked` of a write. */
  blockedAt(index: number): number {
    return this.#at(index, FIFTH);
  }

  bytesAt(index: number): number {
    return this.#at(index, BYTES);
  }

  drainedAt(index: number): boolean {
    return this.#at(index, MARKS) === 1;
  }

  /** 0 = none, 1 = H, 2 = D, 3 = E. */
  markAt(index: number, position: number): number {
    if (position >= MARKS_PER_READ) return 0;
    return (this.#at(index, MARKS) >>> (position * MARK_BITS)) & 3;
  }

  /** `n` of `!n` at this mark, 0 = none. */
  pausesAt(index: number, position: number): number {
    return (this.#at(index, MARKS) >>> (PAUSE_SHIFT + position * PAUSE_BITS)) & MAX_PAUSES;
  }

  /** The newest fragment stands for this read: more of it is merged. */
  isRead(serial: number, connectionId: number): boolean {
    return this.pushed > 0 && this.#serial === serial && this.newestConnection() === connectionId;
  }

  pushRead(
    serial: number,
    connectionId: number,
    secure: boolean,
    atUs: number,
    tookUs: number,
    waitedUs: number,
  ): void {
    this.#serial = serial;
    this.#push(connectionId, secure, atUs, tookUs, waitedUs, 0, 0);
  }

  pushWrite(
    connectionId: number,
    secure: boolean,
    atUs: number,
    tookUs: number,
    blocked: number,
    bytes: number,
    drained: boolean,
  ): void {
    this.#push(connectionId, secure, atUs, tookUs, blocked, bytes, drained ? 1 : 0);
  }

  /** The newest write went on without waiting for the socket: one bracket. */
  extendWrite(tookUs: number, bytes: number, drained: boolean): void {
    const base = this.#newest() * STRIDE;
    const numbers = this.#numbers;
    if (tookUs > 0) numbers[base + TOOK] = Math.max(0, numbers[base + TOOK] ?? 0) + tookUs;
    numbers[base + BYTES] = (numbers[base + BYTES] ?? 0) + bytes;
    numbers[base + MARKS] = drained ? 1 : 0;
  }

  newestConnection(): number {
    return this.connectionAt(this.count - 1);
  }

  newestAtUs(): number {
    return this.atUs(this.count - 1);
  }

  newestDrained(): boolean {
    return this.drainedAt(this.count - 1);
  }

  addBytes(bytes: number): void {
    const at = this.#newest() * STRIDE + BYTES;
    this.#numbers[at] = (this.#numbers[at] ?? 0) + bytes;
  }

  /** Adds a mark to the newest read, once per part; `pauses` is the `n` of `!n`, 0 = none. Gives its position. */
  addMark(mark: Mark, pauses: number): number {
    const base = this.#newest() * STRIDE;
    const marks = this.#numbers[base + MARKS] ?? 0;
    const code = MARK_CODES[mark];
    let position = 0;
    while (position < MARKS_PER_READ) {
      const present = (marks >>> (position * MARK_BITS)) & 3;
      if (present === code) return position;
      if (present === 0) break;
      position += 1;
    }
    if (position === MARKS_PER_READ) return MARKS_PER_READ - 1;
    const flow = Math.min(pauses, MAX_PAUSES) << (PAUSE_SHIFT + position * PAUSE_BITS);
    this.#numbers[base + MARKS] = marks | (code << (position * MARK_BITS)) | flow;
    return position;
  }

  /** `!n` at the last mark of the newest read, if it has none yet. */
  addPause(pauses: number): void {
    const index = this.count - 1;
    let position = 0;
    while (this.markAt(index, position + 1) !== 0) position += 1;
    if (this.markAt(index, position) === 0 || this.pausesAt(index, position) !== 0) return;
    const base = this.#newest() * STRIDE;
    const flow = Math.min(pauses, MAX_PAUSES) << (PAUSE_SHIFT + position * PAUSE_BITS);
    this.#numbers[base + MARKS] = (this.#numbers[base + MARKS] ?? 0) | flow;
  }

  /** Reading had gone on at `atUs`, after `afterUs`, before this mark of the newest read. */
  addResume(position: number, afterUs: number, atUs: number): void {
    const resumes = (this.#resumes ??= []);
    // Those of the first fragments stay, as the fragments do.
    if (resumes.length >= MAX_RESUMES * RESUME_STRIDE)
      resumes.splice(KEPT_FIRST * RESUME_STRIDE, RESUME_STRIDE);
    resumes.push(this.pushed * 4 + position, afterUs, atUs);
  }

  get hasResumes(): boolean {
    return this.#resumes !== null;
  }

  /** Position in `resumeAfterUs` and `resumeAtUs`, -1 = none. */
  findResume(index: number, position: number): number {
    const resumes = this.#resumes;
    if (resumes === null) return -1;
    const key = this.#serialAt(index) * 4 + position;
    for (let at = 0; at < resumes.length; at += RESUME_STRIDE) if (resumes[at] === key) return at;
    return -1;
  }

  resumeAfterUs(at: number): number {
    return this.#resumes?.[at + 1] ?? 0;
  }

  resumeAtUs(at: number): number {
    return this.#resumes?.[at + 2] ?? 0;
  }

  #push(
    connectionId: number,
    secure: boolean,
    atUs: number,
    tookUs: number,
    fifth: number,
    bytes: number,
    marks: number,
  ): void {
    const numbers = this.#numbers;
    const connection = connectionId * 2 + (secure ? 1 : 0);
    if (this.pushed > 0 && this.pushed < CAPACITY) {
      numbers.push(connection, atUs, tookUs, fifth, bytes, marks);
    } else {
      const ring = KEPT_FIRST + ((this.pushed - CAPACITY) % KEPT_LAST);
      const base = this.pushed === 0 ? 0 : ring * STRIDE;
      this.skippedBytes += numbers[base + BYTES] ?? 0;
      numbers[base + CONNECTION] = connection;
      numbers[base + AT] = atUs;
      numbers[base + TOOK] = tookUs;
      numbers[base + FIFTH] = fifth;
      numbers[base + BYTES] = bytes;
      numbers[base + MARKS] = marks;
    }
    this.pushed += 1;
  }

  /** Place of the newest fragment in the array. */
  #newest(): number {
    if (this.pushed <= CAPACITY) return this.pushed - 1;
    return KEPT_FIRST + ((this.pushed - CAPACITY - 1) % KEPT_LAST);
  }

  /** Which push, counted from 1, the fragment was. */
  #serialAt(index: number): number {
    return index < KEPT_FIRST ? index + 1 : index + 1 + this.skippedCount;
  }

  /** `index` counts kept fragments in order of time. */
  #at(index: number, field: number): number {
    let place = index;
    if (index >= KEPT_FIRST && this.pushed > CAPACITY) {
      place = KEPT_FIRST + ((this.pushed - CAPACITY + index - KEPT_FIRST) % KEPT_LAST);
    }
    return this.#numbers[place * STRIDE + field] ?? 0;
  }
}
