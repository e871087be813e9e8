/**
 * Leaves a report behind: first the figures as JSON, then its text on screen, at last the page. So what was measured is kept whatever
 * fails behind it.
 */
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { reportPage } from './page.ts';
import type { Report } from './report.ts';
import { reportText } from './text.ts';

/** @throws Error where no file can be made: to be known before minutes of measuring. */
export function prepareFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK | constants.X_OK);
}

export async function writeReport(
  report: Report,
  folder: string,
  print: (text: string) => void,
): Promise<void> {
  prepareFolder(folder);
  const stamp = report.startedAt.slice(0, 19).replaceAll(':', '-');
  const base = join(folder, `${report.scenario}-${stamp}`);
  writeFileSync(`${base}.json`, `${JSON.stringify(report, null, 2)}\n`);
  print(`${reportText(report)}\n\n${relative('.', `${base}.json`)}`);
  writeFileSync(`${base}.html`, await reportPage(report));
  print(relative('.', `${base}.html`));
}
