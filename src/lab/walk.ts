/**
 * What a walk is: a proxy at which nothing is wrong, looked at from outside, step by step, as an operator would: its log, its admin, the
 * kernel. A lab asks what went wrong, a walk shows how it goes; what each step has to show is data, and the walks' tests hold it to that.
 */
import type { ConfigParts } from './config-text.ts';
import type { Part } from './lab.ts';
import type { LabClient } from './lab-client.ts';

/** The proxy under a reader's hands. */
export interface WalkRun {
  readonly pid: number;
  /** Of the listener. */
  readonly port: number;
  /** The admin's answer. */
  admin(path: string, method?: 'GET' | 'POST'): Promise<string>;
  /** One connection for each name, opened when it is first asked for. */
  client(name: string): Promise<LabClient>;
  /** What it has said of itself so far. */
  applicationLog(): string;
  /** What it has said of its requests so far. */
  accessLog(): string;
  /** Tells it to end, as an operator does, and waits until it has. */
  stop(): Promise<void>;
}

export interface Step {
  readonly title: string;
  /** What happens, and why so. */
  readonly text: string;
  /** Done once. Its result goes to `look`. */
  act?(run: WalkRun): Promise<string>;
  /** What the reader sees; looked at again for some seconds while it does not show what it should. */
  look(run: WalkRun, acted: string): Promise<string> | string;
  readonly shows: RegExp;
}

export interface Walk {
  readonly name: string;
  readonly part: Part;
  /** One line of the list. */
  readonly summary: string;
  /** Worker threads. */
  readonly concurrency: number;
  readonly config: ConfigParts;
  /** Files beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}
