/** What a run is doing, on standard error: one line that is rewritten on a terminal, a line for each step elsewhere. */
import type { Progress } from './scenario.ts';

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const DEFAULT_COLUMNS = 80;

export class ProgressLine implements Progress {
  readonly #stream: ProgressStream;
  #shown = false;

  constructor(stream: ProgressStream) {
    this.#stream = stream;
  }

  step(text: string, done?: number, total?: number): void {
    const line = done === undefined || total === undefined ? text : `[${done}/${total}] ${text}`;
    if (this.#stream.isTTY !== true) {
      this.#stream.write(`${line}\n`);
      return;
    }
    // A line that wraps could not be rewritten.
    this.#stream.write(`\r\u001b[K${line.slice(0, (this.#stream.columns ?? DEFAULT_COLUMNS) - 1)}`);
    this.#shown = true;
  }

  note(text: string): void {
    this.clear();
    this.#stream.write(`${text}\n`);
  }

  clear(): void {
    if (this.#shown) this.#stream.write('\r\u001b[K');
    this.#shown = false;
  }
}
