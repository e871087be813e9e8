/**
 * What a benchmark leaves behind: plain data, written as JSON and drawn as one HTML page.
 *
 * Owned by the scenario that ran; `setUp` decides whether two reports may be compared. A figure is never a bare number: its
 * column states unit and direction, and one that was measured more than once carries the range of its rounds.
 */

/** One figure from several rounds: their median, and the smallest and largest of them. */
export interface Measured {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** Rounds it comes from. */
  readonly rounds: number;
}

/** `null`: not measured or without meaning here, printed as a dash. */
export type Cell = Measured | number | string | null;

export interface Column {
  readonly name: string;
  /** As `µs`, `MiB`, `requests/s`; absent for text and plain counts. */
  readonly unit?: string;
  readonly better?: 'lower' | 'higher';
}

export interface Row {
  readonly name: string;
  /** One for each column. */
  readonly cells: readonly Cell[];
}

export interface Table {
  readonly kind: 'table';
  readonly title: string;
  /** Heading of the rows' names. */
  readonly rows: string;
  readonly columns: readonly Column[];
  readonly body: readonly Row[];
  /** How it was measured, what was multiplied, what is not comparable: printed under it. */
  readonly notes?: readonly string[];
  /** Whether the rows are rivals, of which one may be marked as the best; absent: unless all their names begin with a digit. */
  readonly ranked?: boolean;
}

export interface Axis {
  readonly label: string;
  readonly unit?: string;
  readonly scale?: 'linear' | 'log';
}

export interface Point {
  readonly x: number | string;
  readonly y: number;
  readonly low?: number;
  readonly high?: number;
}

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

/** `bars`: one group for each `x` (text), one bar for each series; `lines`: `x` are numbers. */
export interface Chart {
  readonly kind: 'chart';
  readonly form: 'bars' | 'lines';
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly notes?: readonly string[];
}

/** Preformatted text, as log lines or a terminal waterfall. */
export interface Listing {
  readonly kind: 'listing';
  readonly title: string;
  readonly lines: readonly string[];
}

export interface Section {
  readonly title: string;
  /** Paragraphs before the parts. */
  readonly text: readonly string[];
  readonly parts: readonly (Table | Chart | Listing)[];
}

export interface Machine {
  /** Model name of the processor. */
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
}

/** Whatever must be equal for two reports to be compared, but for `commit` and `dirty`, which may be what is compared. */
export interface SetUp {
  readonly machine: Machine;
  /** Program name -> version, of everything that took part. */
  readonly versions: Readonly<Record<string, string>>;
  /** What runs on which core. */
  readonly pinning: Readonly<Record<string, string>>;
  /** Options of the scenario with their defaults filled in; a switch is '' where it was given. */
  readonly options: Readonly<Record<string, string>>;
  /** Variables that change what is measured without standing in a command, as `NODE_OPTIONS`. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly commit: string;
  /** The work tree had changes that no commit holds. */
  readonly dirty: boolean;
}

export interface Report {
  readonly scenario: string;
  readonly title: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly setUp: SetUp;
  /** The call that gives this run again, where that is not `npm run bench` with the scenario and its options. */
  readonly command?: string;
  /** What the run noted on its way, as a contender that is not installed. */
  readonly notes?: readonly string[];
  readonly sections: readonly Section[];
}
