/**
 * What a worker's line sink and a log file's thread say to each other. Memory travels by transfer and comes back with the
 * acknowledgement, so a sink at work allocates nothing and neither side ever holds a copy.
 *
 *   sink (worker) --lines--> file thread        sink <--taken-- file thread
 */

/** Whole lines in the first `length` bytes. */
export interface LinesMessage {
  readonly kind: 'lines';
  readonly memory: ArrayBuffer;
  readonly length: number;
  readonly lines: number;
}

/** The batch has been written, except `lost` lines of it. The memory is the sink's again. */
export interface TakenMessage {
  readonly kind: 'taken';
  readonly memory: ArrayBuffer;
  readonly length: number;
  readonly lines: number;
  readonly lost: number;
}

/** The sink's end: a `MessagePort`, as far as it is used. */
export interface LinePort {
  postMessage(message: LinesMessage, transfer: ArrayBuffer[]): void;
  on(event: 'message', listener: (message: TakenMessage) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  unref(): void;
}
