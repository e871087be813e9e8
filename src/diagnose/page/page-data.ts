/**
 * What the page's script draws from, computed here so that it only draws: waterfalls of the requests that the report shows.
 *
 * Each line that occurs in the report (a notable request, evidence of a finding) is parsed once; what cannot be read again has no
 * waterfall, only its line.
 */
import { isUnreadable, parseRecord } from '../parse-record.ts';
import type { LogRecord } from '../record.ts';
import type { Evidence, Report } from '../report.ts';
import { axisTicks, type Tick } from '../waterfall/axis.ts';
import type { Fact } from '../waterfall/facts.ts';
import { segmentWords } from '../waterfall/flags.ts';
import { lengthText, printable } from '../waterfall/printable.ts';
import type { TokenReading } from '../waterfall/words.ts';
import { waterfallOf, type Bar, type Lane, type Waterfall } from '../waterfall/waterfall.ts';
import { familyOf, type Family } from './segments.ts';

/** Places are percent of the axis. */
export interface PageBar {
  readonly kind: Bar['kind'];
  readonly family: Family | null;
  readonly left: number;
  readonly width: number;
  readonly label: string;
  readonly reading: string;
  readonly open: Bar['open'];
}

export interface PageLane {
  readonly id: Lane['id'];
  readonly name: string;
  readonly empty: string | null;
  readonly bars: readonly PageBar[];
}

export interface PageShare {
  readonly segment: string;
  readonly family: Family;
  readonly length: string;
  /** Percent of the total. */
  readonly share: number;
  readonly words: string;
}

export interface PageWaterfall {
  readonly title: string;
  readonly facts: readonly Fact[];
  readonly ticks: readonly { readonly left: number; readonly label: string }[];
  readonly lanes: readonly PageLane[];
  readonly shares: readonly PageShare[];
  readonly tokens: readonly TokenReading[];
  readonly remarks: readonly string[];
  readonly line: string;
}

/** A request of the report: its line, and what could be read in it. */
export interface ShownRequest {
  readonly evidence: Evidence;
  readonly record: LogRecord | null;
  readonly waterfall: Waterfall | null;
}

const MOST_TICKS = 6;

/** By `file:line`, in the order of the script's array. */
export class PageRequests {
  readonly #index = new Map<string, number>();
  readonly requests: ShownRequest[] = [];

  constructor(report: Report) {
    for (const evidence of [...report.notable, ...report.findings.flatMap((finding) => finding.evidence)])
      this.#add(evidence);
  }

  /** Place in `requests` of the line that the evidence quotes. */
  indexOf({ file, lineNumber }: Evidence): number {
    return this.#index.get(`${file}:${lineNumber}`) ?? -1;
  }

  of(evidence: Evidence): ShownRequest | null {
    return this.requests[this.indexOf(evidence)] ?? null;
  }

  /** For the script: null where there is nothing to draw. */
  data(): (PageWaterfall | null)[] {
    return this.requests.map(({ waterfall, evidence }) =>
      waterfall === null ? null : pageWaterfall(waterfall, evidence.line),
    );
  }

  #add(evidence: Evidence): void {
    const key = `${evidence.file}:${evidence.lineNumber}`;
    if (this.#index.has(key)) return;
    this.#index.set(key, this.requests.length);
    const parsed = parseRecord(evidence.line, evidence.file, evidence.lineNumber);
    const record = isUnreadable(parsed) ? null : parsed;
    this.requests.push({ evidence, record, waterfall: record === null ? null : waterfallOf(record) });
  }
}

function pageWaterfall(waterfall: Waterfall, line: string): PageWaterfall {
  const { fromUs, toUs, lanes, title, facts, tokens, remarks } = waterfall;
  const percent = (us: number): number => round(((us - fromUs) / (toUs - fromUs)) * 100);
  const bars = (lane: Lane): PageBar[] =>
    lane.bars.map((bar) => ({
      kind: bar.kind,
      family: bar.segment === null ? null : familyOf(bar.segment),
      left: percent(bar.fromUs),
      width: round(percent(bar.toUs) - percent(bar.fromUs)),
      label: bar.kind === 'phase' ? `${bar.label} ${lengthText(bar.toUs - bar.fromUs)}` : bar.label,
      reading: bar.kind === 'phase' ? `${bar.label}: ${bar.reading}` : bar.reading,
      open: bar.open,
    }));
  const ticks = axisTicks(fromUs, toUs, MOST_TICKS).map(({ atUs, label }: Tick) => ({
    left: percent(atUs),
    label,
  }));
  return {
    title,
    facts,
    ticks,
    lanes: lanes.map((lane) => ({ id: lane.id, name: lane.name, empty: lane.empty, bars: bars(lane) })),
    shares: sharesOf(waterfall),
    tokens,
    remarks,
    line: printable(line),
  };
}

export function sharesOf({ ledger, lanes }: Waterfall): PageShare[] {
  const phases = lanes.find(({ id }) => id === 'phases')?.bars ?? [];
  const parts =
    ledger === null
      ? phases.map((bar) => ({
          name: bar.label,
          segment: bar.segment ?? bar.label,
          us: bar.toUs - bar.fromUs,
          words: bar.reading.replace(/^[^:]*: /, ''),
        }))
      : ledger.map(({ segment, us }) => ({ name: segment, segment, us, words: segmentWords(segment) }));
  const total = parts.reduce((sum, { us }) => sum + us, 0);
  return parts.map(({ name, segment, us, words }) => ({
    segment: name,
    family: familyOf(segment),
    length: lengthText(us),
    share: total === 0 ? 0 : round((us / total) * 100),
    words,
  }));
}

function round(percent: number): number {
  return Math.round(percent * 1000) / 1000;
}
