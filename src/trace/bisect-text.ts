/**
 * A comparison as a table and the sentences that answer the question, and as one object for machines. A sentence claims no more than the
 * intervals of `bisect-verdict.ts` allow.
 */
import type { Added, BisectResult, Blame, Quantile, WayResult } from './bisect-verdict.ts';
import type { Tolerance } from './bisect-verdict.ts';

const ANSWERS: Readonly<Record<Blame, string>> = {
  mesh: 'It is the mesh: the service itself is as it should be.',
  service: 'It is the service, not the mesh: without the proxy it is the same.',
  both: 'It is both: the service is not as it should be without the proxy either, and the proxy adds to it.',
  neither: 'It is neither: the service is as it should be, and the proxy adds no more than is tolerated.',
  unknown: 'Nothing was measured in the time given.',
};

export function bisectText(result: BisectResult, tolerance: Tolerance): string {
  const { direct, others, blame } = result;
  const ways = [direct, ...others];
  const rows = [
    ['', 'requests', 'errors', 'p50 ms', 'p90 ms', 'p99 ms'],
    ...ways.map(({ sample, quantiles }) => [
      sample.way.name,
      String(sample.requests),
      String(sample.errors),
      quantileText(quantiles?.p50),
      quantileText(quantiles?.p90),
      quantileText(quantiles?.p99),
    ]),
  ];
  const sentences = [
    ANSWERS[blame],
    ...serviceSentences(result, tolerance),
    ...others.flatMap((way) => waySentences(way, tolerance)),
  ];
  return [...table(rows), '', ...sentences, ...layerSentences(others)].join('\n');
}

function serviceSentences(
  { direct, serviceSlow, serviceFails }: BisectResult,
  { slowMs }: Tolerance,
): string[] {
  const { sample, quantiles } = direct;
  const lines: string[] = [];
  if (serviceFails)
    lines.push(
      `Directly, ${sample.errors} of ${sample.requests} requests fail (${kindsText(direct)}): that is the service's.`,
    );
  if (quantiles === null) return lines;
  const half = `Directly, half of the requests take more than ${ms(quantiles.p50.value)}`;
  lines.push(
    serviceSlow ? `${half}, above the ${ms(slowMs)} that it may take: look at the service.` : `${half}.`,
  );
  return lines;
}

function waySentences(
  { sample, added, slowAt, failsMore, quantiles }: WayResult,
  { addedMs }: Tolerance,
): string[] {
  const { name } = sample.way;
  const lines: string[] = [];
  if (failsMore)
    lines.push(
      `The way ${name} fails in ${sample.errors} of ${sample.requests} requests, more often than the direct one: the response flags of its access log say why.`,
    );
  if (quantiles === null || added === null) return lines;
  if (slowAt === 'p50')
    lines.push(
      `The way ${name} adds ${addedText(added.p50)} to a request: more than the ${ms(addedMs)} tolerated. \`nodeproxy logs diagnose\` says where.`,
    );
  else if (slowAt === 'p90')
    lines.push(
      `The way ${name} adds nothing of note to most requests, but ${addedText(added.p90)} to the slowest tenth.`,
    );
  else
    lines.push(
      `The way ${name} adds ${addedText(added.p50)}: no more than the ${ms(addedMs)} tolerated is certain.`,
    );
  return lines;
}

/** What the second way has in common with the first one. */
function layerSentences([through, second]: readonly WayResult[]): string[] {
  if (through === undefined || second === undefined) return [];
  const [one, two] = [through, second].map(({ slowAt, failsMore }) => slowAt !== '' || failsMore);
  const [a, b] = [through.sample.way.name, second.sample.way.name];
  if (one === true && two === false)
    return [`${b} is free of it: the cause is in what ${a} has and ${b} has not.`];
  if (one === true && two === true) return [`${a} and ${b} both have it: look first at what they share.`];
  if (two === true) return [`Only ${b} has it: the cause is in what ${b} has and ${a} has not.`];
  return [];
}

function kindsText({ sample }: WayResult): string {
  return Array.from(sample.kinds, ([kind, count]) => `${kind} × ${count}`).join(', ');
}

function addedText({ value, low, high }: Added): string {
  return `${ms(value)} (${Math.max(0, low).toFixed(2)} to ${Math.max(0, high).toFixed(2)})`;
}

function quantileText(quantile: Quantile | undefined): string {
  if (quantile === undefined) return '-';
  return `${quantile.value.toFixed(2)} (${quantile.low.toFixed(2)} to ${quantile.high.toFixed(2)})`;
}

function ms(value: number): string {
  return `${Number(value.toFixed(2))} ms`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

export function bisectJson({ direct, others, blame, serviceSlow, serviceFails }: BisectResult): string {
  const ways = [direct, ...others].map(({ sample, quantiles, added, slowAt, failsMore }) => ({
    name: sample.way.name,
    url: sample.way.url.href,
    requests: sample.requests,
    errors: sample.errors,
    kinds: Object.fromEntries(sample.kinds),
    quantiles,
    added,
    slow_at: slowAt === '' ? null : slowAt,
    fails_more: failsMore,
  }));
  return JSON.stringify({ blame, service_slow: serviceSlow, service_fails: serviceFails, ways }, null, 2);
}
