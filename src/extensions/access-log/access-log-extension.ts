/** What a kind of access logger tells of its configuration: where the lines go and what they look like. */
import type { LineFormat } from '../../observe/format/text-format.ts';

export interface LogDestination {
  /** Path of a file, or `/dev/stdout`, `/dev/stderr`. */
  readonly path: string;
  readonly format: LineFormat;
}
