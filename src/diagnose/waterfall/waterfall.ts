/**
 * The waterfall of one request: everything its log line says about time, as bars on one axis.
 *
 *   phases            |receive|filters|---------- upstream ----------|-- response --|
 *   client → proxy    █ ··· ░█                                                            reads, gaps, waits in the kernel
 *   proxy → upstream            █                                                         writes, waits for the socket
 *   upstream → proxy                                            █ ········ █
 *   proxy → client                                              █           █
 *
 * Plain data: the terminal (`terminal.ts`) and the page (`page/`) draw the same bars, the page from JSON. Instants are
 * microseconds from the request's start; bytes that waited in the kernel for the first read make the axis begin before it.
 */
import type { LedgerEntry, LogRecord } from '../record.ts';
import { resolveTimes } from './clock.ts';
import { factsOf, titleOf, type Fact } from './facts.ts';
import { lanesOf } from './lanes.ts';
import { phasesLane } from './phases.ts';
import { printable } from './printable.ts';
import { tokensOf, type TokenReading } from './words.ts';

export type LaneId =
  | 'phases'
  | 'downstream-reads'
  | 'downstream-pauses'
  | 'upstream-writes'
  | 'upstream-reads'
  | 'upstream-pauses'
  | 'downstream-writes';

/**
 * `read`, `write`: a system call that carried bytes. `waited`: bytes lay in the kernel. `gap`: nothing to read or write.
 * `blocked`: bytes to write and no room in the socket. `skipped`: fragments that the line leaves out. `paused`: reads were off.
 * `phase`: a stretch of the whole request.
 */
export type BarKind = 'read' | 'write' | 'waited' | 'gap' | 'blocked' | 'skipped' | 'paused' | 'phase';

export interface Bar {
  readonly kind: BarKind;
  readonly fromUs: number;
  readonly toUs: number;
  /** A few characters to print on or beside it: `14480 B H,D`. */
  readonly label: string;
  /** One or two sentences: all that the line says about it. */
  readonly reading: string;
  /** Of a phase: the ledger's name of what the request was waiting for; its colour. */
  readonly segment: string | null;
  /** The line says when it began but not when it ended, or the reverse: drawn fading out. */
  readonly open: 'start' | 'end' | null;
}

export interface Lane {
  readonly id: LaneId;
  readonly name: string;
  readonly bars: readonly Bar[];
  /** Why it is empty; null: it is not. */
  readonly empty: string | null;
}

export interface Waterfall {
  /** `POST /large HTTP/1.1`, or that the line is cut. Printable, like all texts here, and still to be escaped for HTML. */
  readonly title: string;
  readonly file: string;
  readonly lineNumber: number;
  readonly facts: readonly Fact[];
  /** Start of the request, us since the epoch; null: the line is cut at its front and only knows minutes and seconds. */
  readonly startUs: number | null;
  readonly totalUs: number | null;
  /** The axis. `fromUs` is 0 or below, `toUs` above it. */
  readonly fromUs: number;
  readonly toUs: number;
  /** 1 or 1000: a length of 0 means less than this. */
  readonly resolutionUs: number;
  readonly lanes: readonly Lane[];
  /** Has lengths, no places on the axis: a bar of its own. Null: the line has none. */
  readonly ledger: readonly LedgerEntry[] | null;
  readonly tokens: readonly TokenReading[];
  readonly remarks: readonly string[];
}

export function waterfallOf(record: LogRecord): Waterfall {
  const times = resolveTimes(record);
  const phases = phasesLane(record, times);
  const io = lanesOf(times);
  // Pauses are cut to the axis: they may belong to an earlier request, or have no end.
  const bars = [phases, ...io].flatMap((lane) => lane.bars).filter(({ kind }) => kind !== 'paused');
  const fromUs = Math.min(0, ...bars.map((bar) => bar.fromUs));
  const known = Math.max(record.totalUs ?? 0, ...bars.map((bar) => bar.toUs));
  const toUs = Math.max(known, fromUs + record.resolutionUs);
  return {
    title: titleOf(record),
    file: printable(record.file),
    lineNumber: record.lineNumber,
    facts: factsOf(record),
    startUs: record.startUs,
    totalUs: record.totalUs,
    fromUs,
    toUs,
    resolutionUs: record.resolutionUs,
    lanes: [phases, ...io].map((lane) => within(lane, fromUs, toUs)),
    ledger: record.ledger?.map(({ segment, us }) => ({ segment: printable(segment), us })) ?? null,
    tokens: tokensOf(record),
    remarks: times.remarks,
  };
}

function within(lane: Lane, fromUs: number, toUs: number): Lane {
  const bars = lane.bars
    .filter((bar) => bar.kind !== 'paused' || (bar.toUs >= fromUs && bar.fromUs <= toUs))
    .map((bar): Bar => {
      if (bar.fromUs >= fromUs && bar.toUs <= toUs) return bar;
      const open = bar.fromUs < fromUs ? 'start' : 'end';
      return { ...bar, fromUs: Math.max(bar.fromUs, fromUs), toUs: Math.min(bar.toUs, toUs), open };
    });
  const before = lane.bars.length > 0 && bars.length === 0 ? 'only before this request began' : null;
  return { ...lane, bars, empty: lane.empty ?? before };
}
