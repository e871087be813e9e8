/** The few lines with the highest scores of all that were offered; only those are copied out of the reader's buffer. */
import type { LineFacts } from './scan/line-facts.ts';

export interface KeptLine {
  readonly score: number;
  readonly file: string;
  readonly lineNumber: number;
  readonly text: string;
  /** What a detector knew when it saw the line, and the line does not say. */
  readonly note: string;
  /** Another line that belongs to it: who held the worker, who had the reads switched off. */
  readonly companion: KeptLine | null;
}

export class WorstLines {
  readonly #most: number;
  readonly #kept: KeptLine[] = [];
  #least = Number.NEGATIVE_INFINITY;

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether a line with the score would be kept: ask before a note is made. */
  wants(score: number): boolean {
    return this.#kept.length < this.#most || score > this.#least;
  }

  offer(score: number, facts: LineFacts, note = '', companion: KeptLine | null = null): void {
    if (!this.wants(score)) return;
    const { file, lineNumber } = facts;
    this.put({ score, file, lineNumber, text: facts.lineText(), note, companion });
  }

  put(line: KeptLine): void {
    if (!this.wants(line.score)) return;
    const place = this.#kept.findIndex(({ score }) => score < line.score);
    this.#kept.splice(place < 0 ? this.#kept.length : place, 0, line);
    if (this.#kept.length > this.#most) this.#kept.pop();
    this.#least = this.#kept.at(-1)?.score ?? Number.NEGATIVE_INFINITY;
  }

  /** Highest score first; equal ones in the order of the log. */
  get lines(): readonly KeptLine[] {
    return this.#kept;
  }
}
