/** What main and the thread of a log file say to each other. Every question has a number that its answer carries. */
import type { MessagePort } from 'node:worker_threads';

/** What the thread is started with. */
export interface LogThreadData {
  readonly path: string;
  /** A flush, reopening or close gives up on a pipe whose reader has not taken everything after this long. */
  readonly giveUpMs: number;
}

export type ToLogThread =
  | { readonly kind: 'port'; readonly port: MessagePort }
  /** Open the path anew: it was renamed. */
  | { readonly kind: 'reopen'; readonly ack: number }
  /** Everything that workers had sent before is to be in the file. */
  | { readonly kind: 'flush'; readonly ack: number }
  /** The same, then the thread ends. */
  | { readonly kind: 'close'; readonly ack: number };

export type FromLogThread =
  /** `error` is '' or what went wrong. */
  | { readonly kind: 'ack'; readonly ack: number; readonly error: string }
  /** Writing has begun to fail; '' = works again. */
  | { readonly kind: 'problem'; readonly error: string };
