/**
 * All log files of one worker: one sink per path, whoever logs there. Main owns the file threads; a worker asks it for a port
 * (`log-open`) when a path is first used and gets it later (`log-port`); until then lines wait in the sink.
 */
import type { Dispatcher } from '../api/event.ts';
import type { LineSink } from '../api/observe.ts';
import type { StatsScope } from '../api/stats.ts';
import type { LinePort } from './line-port.ts';
import { BatchedLines, LineSinkStats } from './line-sink.ts';

/** Between the loss of a port and the question for another. */
const REQUEST_AGAIN_MS = 1000;

export interface WorkerSinksOptions {
  readonly dispatcher: Pick<Dispatcher, 'createTimer'>;
  readonly flushIntervalMs: number;
  readonly stats: StatsScope;
  /** Sends `log-open` to main. Called when a path is first opened, and again after its thread died. */
  readonly requestPort: (path: string) => void;
}

export class WorkerSinks {
  readonly #options: WorkerSinksOptions;
  readonly #stats: LineSinkStats;
  /** As many as the configuration names paths. */
  readonly #sinks = new Map<string, BatchedLines>();

  constructor(options: WorkerSinksOptions) {
    this.#options = options;
    this.#stats = new LineSinkStats(options.stats);
  }

  open(path: string): LineSink {
    const known = this.#sinks.get(path);
    if (known !== undefined) return known;
    const { dispatcher, flushIntervalMs, requestPort } = this.#options;
    const again = dispatcher.createTimer(() => requestPort(path));
    const sink = new BatchedLines({
      dispatcher,
      flushIntervalMs,
      stats: this.#stats,
      onPortClosed: () => again.enable(REQUEST_AGAIN_MS),
    });
    this.#sinks.set(path, sink);
    requestPort(path);
    return sink;
  }

  /** Main has sent the port of a path. */
  attach(path: string, port: LinePort): void {
    this.#sinks.get(path)?.attach(port);
  }

  /** Everything written so far is on its way to the file threads. */
  flush(): void {
    for (const sink of this.#sinks.values()) sink.flush();
  }
}
