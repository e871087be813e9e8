/**
 * The pitfalls of the talks, each before and after its remedy, as a table: what went wrong for the clients, how long it took them, and
 * what the diagnosis says first.
 */
import { findingName } from './lab-text.ts';
import { runLab } from './run-lab.ts';
import type { LabOutcome } from './run-lab.ts';
import type { Lab, Variant } from './lab.ts';

const WIDTHS = [22, 7, 9, 7, 10, 10] as const;
const HEAD = ['pitfall', '', 'requests', 'failed', 'p50', 'longest', 'the diagnosis says first'];
const FAILED = /^\[[^\]]*\] "[^"]*" (?:0|[45]\d\d) /;

/** True: every diagnosis said what it should. `print` gets line after line, as they come. */
export async function runPitfalls(
  labs: readonly Lab[],
  seconds: number,
  print: (text: string) => void,
): Promise<boolean> {
  print(row(HEAD));
  let good = true;
  for (const lab of labs) {
    for (const variant of ['broken', 'fixed'] as const) {
      const outcome = await runLab(lab, { variant, seconds, keep: false });
      good = good && outcome.asExpected;
      print(row(cells(lab, variant, outcome)));
    }
  }
  print(
    good
      ? 'Each diagnosis names the pitfall first before, and not at all after.'
      : 'Lines with (!) are not as they should be; a very busy machine can do that. Run those labs by themselves.',
  );
  return good;
}

function cells(lab: Lab, variant: Variant, { result, report, asExpected }: LabOutcome): string[] {
  const failed = result.lines.filter((line) => FAILED.test(line)).length;
  const [first] = report.findings;
  return [
    variant === 'broken' ? lab.name : '',
    variant === 'broken' ? 'before' : 'after',
    String(report.requests),
    String(failed),
    ms(report.latency.p50),
    ms(report.latency.max),
    `${first === undefined ? 'nothing' : findingName(first)}${asExpected ? '' : ' (!)'}`,
  ];
}

function row(texts: readonly string[]): string {
  return texts
    .map((text, index) => text.padEnd(WIDTHS[index] ?? 0))
    .join('  ')
    .trimEnd();
}

function ms(us: number): string {
  return `${(us / 1000).toFixed(1)} ms`;
}
