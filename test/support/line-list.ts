/** A log's lines in memory. */
import type { LineBytes, LineSink } from '../../src/api/observe.ts';

export class LineList implements LineSink {
  readonly lines: string[] = [];

  write(line: string): void {
    this.lines.push(line);
  }

  writeLine(line: LineBytes): void {
    const bytes = Buffer.alloc(line.length);
    line.copyTo(bytes, 0);
    this.lines.push(bytes.toString());
  }

  flush(): void {
    // Each line is there as soon as it is written.
  }
}
