/**
 * A lab from its first line to its last: run, diagnose, print. Whatever ends it early (a signal, an error), its children end with it.
 */
import type { Report } from '../diagnose/report.ts';
import { diagnoseLog } from './diagnosis.ts';
import { endingAtOnce } from './end-at-once.ts';
import { introduction, isAsExpected, outcome } from './lab-text.ts';
import { LabSession } from './lab-session.ts';
import type { LabOptions, LabResult } from './lab-session.ts';
import type { Lab } from './lab.ts';

export interface LabOutcome {
  readonly result: LabResult;
  readonly report: Report;
  readonly asExpected: boolean;
}

export interface RunOptions extends LabOptions {
  /** Keep the folder with configuration and logs. */
  readonly keep: boolean;
}

/** Without a word: for tests and tables. */
export async function runLab(lab: Lab, options: RunOptions): Promise<LabOutcome> {
  const session = new LabSession(lab, options);
  try {
    return await endingAtOnce(
      () => session.endAtOnce(),
      async () => {
        const result = await session.run();
        const report = await diagnoseLog(result.logFile, lab);
        return { result, report, asExpected: isAsExpected(lab, options.variant, report) };
      },
    );
  } finally {
    if (!options.keep) session.removeFolder();
  }
}

/** With all words. True: the diagnosis said what it should. */
export async function showLab(
  lab: Lab,
  options: RunOptions,
  print: (text: string) => void,
): Promise<boolean> {
  print(introduction(lab, options.variant));
  const { result, report, asExpected } = await runLab(lab, options);
  print(outcome(lab, options.variant, result, report));
  print(
    options.keep
      ? `Kept: ${result.configFile}, ${result.logFile}`
      : '(--keep leaves configuration and logs on disk.)',
  );
  return asExpected;
}
