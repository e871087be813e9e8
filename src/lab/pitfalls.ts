/**
 * The pitfalls of the talks, each before and after its remedy, as a table: what went wrong for the clients, how long it took them, and
 * what the diagnosis says first. The start order comes first: it is over before there is a log to diagnose.
 */
import { findingName } from './lab-text.ts';
import { runLab } from './run-lab.ts';
import type { LabOutcome } from './run-lab.ts';
import type { Lab, Variant } from './lab.ts';
import { runStartOrder } from './start-order.ts';
import type { EarlyRequests } from './start-order.ts';

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
  for (const variant of ['broken', 'fixed'] as const) {
    const seen = await runStartOrder(variant);
    const asExpected = seen.failed > 0 === (variant === 'broken');
    good = good && asExpected;
    print(row(startOrderCells(variant, seen, asExpected)));
  }
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

function startOrderCells(variant: Variant, seen: EarlyRequests, asExpected: boolean): string[] {
  const { requests, failed, answeredMs } = seen;
  const sorted = answeredMs.toSorted((a, b) => a - b);
  const [middle = NaN, last = NaN] = [sorted[sorted.length >> 1], sorted.at(-1)];
  const said = failed > 0 ? 'nothing: refused before the proxy was there' : 'nothing';
  return [
    variant === 'broken' ? 'start-order' : '',
    variant === 'broken' ? 'before' : 'after',
    String(requests),
    String(failed),
    ms(middle * 1000),
    ms(last * 1000),
    `${said}${asExpected ? '' : ' (!)'}`,
  ];
}

function row(texts: readonly string[]): string {
  return texts
    .map((text, index) => text.padEnd(WIDTHS[index] ?? 0))
    .join('  ')
    .trimEnd();
}

function ms(us: number): string {
  return Number.isNaN(us) ? '-' : `${(us / 1000).toFixed(1)} ms`;
}
