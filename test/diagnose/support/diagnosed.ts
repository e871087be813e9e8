/** A diagnosis of lines that a test has in memory. */
import { Diagnosis } from '../../../src/diagnose/diagnosis.ts';
import type { DiagnoseOptions } from '../../../src/diagnose/diagnosis.ts';
import type { Finding, Report } from '../../../src/diagnose/report.ts';

export function diagnosed(lines: readonly string[], options: DiagnoseOptions = {}): Report {
  const diagnosis = new Diagnosis(options);
  diagnosis.reader.startFile('access.log');
  diagnosis.reader.chunk(Buffer.from(lines.map((line) => `${line}\n`).join('')));
  diagnosis.reader.endFile();
  return diagnosis.report(['access.log']);
}

export function causesOf({ findings }: Report): string[] {
  return findings.map(({ cause }) => cause);
}

/** The one finding of a cause. */
export function findingOf({ findings }: Report, cause: Finding['cause']): Finding {
  const [finding, ...more] = findings.filter((each) => each.cause === cause);
  if (finding === undefined || more.length > 0)
    throw new Error(
      `${more.length === 0 ? 'no' : 'more than one'} ${cause}: ${findings.map((each) => each.what).join('\n')}`,
    );
  return finding;
}
