/**
 * The reads or writes of one message: up to 16 fragments, the first 8 and the last 8; those between are counted and summed.
 *
 *   [0 .. 7] kept for good     [8 .. 15] ring of the newest     what the ring pushes out -> skippedCount, skippedBytes
 *
 * Times are whole microseconds since the stream's start. Most messages are one fragment, which has a place of its own: an array
 * comes with the second. Resumptions of reading (`+5<..>`) are rare and stand apart. Owned by one stream; never shrinks, never
 * exceeds 16 fragments.
 */
import type { Mark } from '../api/observe.ts';
import { invariant } from '../base/invariant.ts';

export const KEPT_FIRST = 8;
export const KEPT_LAST = 8;
const CAPACITY = KEPT_FIRST + KEPT_LAST;

/**
 * Marks of a read in one small integer: 2 bits for each of up to 3 marks (1 = H, 2 = D, 3 = E), above them 8 bits for each
 * one's `!n`. Marks of a write: 1 = the buffer was drained.
 */
const MARKS_PER_READ = 3;
const MARK_BITS = 2;
const PAUSE_SHIFT = MARKS_PER_READ * MARK_BITS;
const PAUSE_BITS = 8;
const MAX_PAUSES = (1 << PAUSE_BITS) - 1;

/** Numbers of a resumption: serial of the fragment * 4 + mark, after (us), at (us). */
const RESUME_STRIDE = 3;
const MAX_RESUMES = 32;

class Fragment {
  connectionId = 0;
  secure = false;
  at = 0;
  took = 0;
  /** Waited (read) or times blocked (write). */
  fifth = 0;
  bytes = 0;
  marks = 0;
}

export class FragmentLog {
  /** Fragments ever pushed. */
  pushed = 0;
  skippedBytes = 0;
  /** Serial of the read that the newest fragment stands for. */
  #serial = 0;
  #first: Fragment | null = null;
  /** By place: a fragment keeps its own until the ring comes round. */
  #more: Fragment[] | null = null;
  #newest: Fragment | null = null;
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
    return this.#at(index).connectionId;
  }

  secureAt(index: number): boolean {
    return this.#at(index).secure;
  }

  atUs(index: number): number {
    return this.#at(index).at;
  }

  tookUs(index: number): number {
    return this.#at(index).took;
  }

  /** `waited` of a read, in microseconds. */
  waitedUs(index: number): number {
    return this.#at(index).fifth;
  }

  /** `blocked` of a write. */
  blockedAt(index: number): number {
    return this.#at(index).fifth;
  }

  bytesAt(index: number): number {
    return this.#at(index).bytes;
  }

  drainedAt(index: number): boolean {
    return this.#at(index).marks === 1;
  }

  /** 0 = none, 1 = H, 2 = D, 3 = E. */
  markAt(index: number, position: number): number {
    if (position >= MARKS_PER_READ) return 0;
    return (this.#at(index).marks >>> (position * MARK_BITS)) & 3;
  }

  /** `n` of `!n` at this mark, 0 = none. */
  pausesAt(index: number, position: number): number {
    return (this.#at(index).marks >>> (PAUSE_SHIFT + position * PAUSE_BITS)) & MAX_PAUSES;
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
    const newest = this.#last();
    if (tookUs > 0) newest.took = Math.max(0, newest.took) + tookUs;
    newest.bytes += bytes;
    newest.marks = drained ? 1 : 0;
  }

  newestConnection(): number {
    return this.#last().connectionId;
  }

  newestAtUs(): number {
    return this.#last().at;
  }

  newestDrained(): boolean {
    return this.#last().marks === 1;
  }

  addBytes(bytes: number): void {
    this.#last().bytes += bytes;
  }

  /** Adds a mark to the newest read, once per part; `pauses` is the `n` of `!n`, 0 = none. Gives its position. */
  addMark(mark: Mark, pauses: number): number {
    const newest = this.#last();
    const { marks } = newest;
    const code = markCode(mark);
    let position = 0;
    while (position < MARKS_PER_READ) {
      const present = (marks >>> (position * MARK_BITS)) & 3;
      if (present === code) return position;
      if (present === 0) break;
      position += 1;
    }
    if (position === MARKS_PER_READ) return MARKS_PER_READ - 1;
    const flow = Math.min(pauses, MAX_PAUSES) << (PAUSE_SHIFT + position * PAUSE_BITS);
    newest.marks = marks | (code << (position * MARK_BITS)) | flow;
    return position;
  }

  /** `!n` at the last mark of the newest read, if it has none yet. */
  addPause(pauses: number): void {
    const index = this.count - 1;
    let position = 0;
    while (this.markAt(index, position + 1) !== 0) position += 1;
    if (this.markAt(index, position) === 0 || this.pausesAt(index, position) !== 0) return;
    this.#last().marks |= Math.min(pauses, MAX_PAUSES) << (PAUSE_SHIFT + position * PAUSE_BITS);
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
    const fragment = this.#place();
    fragment.connectionId = connectionId;
    fragment.secure = secure;
    fragment.at = atUs;
    fragment.took = tookUs;
    fragment.fifth = fifth;
    fragment.bytes = bytes;
    fragment.marks = marks;
    this.#newest = fragment;
    this.pushed += 1;
  }

  /** For the next one: a new one, or the oldest of the ring. */
  #place(): Fragment {
    if (this.#first === null) return (this.#first = new Fragment());
    if (this.pushed < CAPACITY) {
      const fragment = new Fragment();
      (this.#more ??= []).push(fragment);
      return fragment;
    }
    const oldest = this.#at(KEPT_FIRST);
    this.skippedBytes += oldest.bytes;
    return oldest;
  }

  #last(): Fragment {
    invariant(this.#newest !== null, 'a fragment to add to');
    return this.#newest;
  }

  /** Which push, counted from 1, the fragment was. */
  #serialAt(index: number): number {
    return index < KEPT_FIRST ? index + 1 : index + 1 + this.skippedCount;
  }

  /** `index` counts kept fragments in order of time. */
  #at(index: number): Fragment {
    let place = index;
    if (index >= KEPT_FIRST && this.pushed > CAPACITY) {
      place = KEPT_FIRST + ((this.pushed - CAPACITY + index - KEPT_FIRST) % KEPT_LAST);
    }
    const fragment = place === 0 ? this.#first : this.#more?.[place - 1];
    invariant(fragment !== null && fragment !== undefined, 'a fragment that was kept');
    return fragment;
  }
}

function markCode(mark: Mark): number {
  if (mark === 'H') return 1;
  return mark === 'D' ? 2 : 3;
}
