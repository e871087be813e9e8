/** What a failure means for whoever runs the proxy: the columns of `flag-table.ts` and `details-table.ts`. */
import type { Remedy } from '../report.ts';

export interface FailureMeaning {
  /** Goes on after "12 requests ended with UC (503): ". */
  readonly what: string;
  /** Who gave up or closed first. */
  readonly first: 'client' | 'upstream' | 'proxy' | 'nobody';
  readonly remedies: readonly Remedy[];
}

/** A sentence, and the setting that it is about. */
export function remedy(text: string, setting: string | null = null): Remedy {
  return { text, setting };
}
