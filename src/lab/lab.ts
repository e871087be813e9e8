/**
 * What a lab is: one ill behaviour on purpose, as data and as the little code that its peers need.
 *
 * A lab runs the proxy as a user does, in a process of its own, between a service and a client that live in this one. `broken` shows
 * the case, `fixed` the same traffic with the one thing changed that the chapter in `labs/` recommends: a setting (`config`) or, where
 * the proxy is not to blame, a peer (`behaviour`). What the diagnosis has to say first is data too, and the labs' tests hold it to that.
 */
import type { CauseId } from '../diagnose/report.ts';
import type { ConfigParts } from './config-text.ts';
import type { LabClient } from './lab-client.ts';

export type Variant = 'broken' | 'fixed';

/** The order of the course: `labs/README.md`. */
export type Part =
  'start-up' | 'threads' | 'filters' | 'HTTP flow' | 'flow control' | 'pools' | 'limits' | 'compatibility';

/** Either side of the proxy while the lab runs. */
export interface Service {
  readonly port: number;
  stop(): Promise<void>;
}

/** What a round of traffic works with. */
export interface LabRun {
  readonly variant: Variant;
  readonly service: Service;
  /** Process id of the proxy: for what the kernel can do to a process. */
  readonly proxyPid: number;
  /** A new connection to the proxy, `from` this local address; closed when the lab ends, if not before. */
  client(from?: string): Promise<LabClient>;
}

export interface Lab {
  readonly name: string;
  readonly part: Part;
  /** One line of the list. */
  readonly summary: string;
  /** A pitfall that the talks report from production: part of `nodeproxy lab pitfalls`. */
  readonly pitfall: boolean;
  /** What is done, step by step; where the variants differ beside the configuration, `behaviour` says how. */
  readonly steps: readonly string[];
  readonly behaviour?: Readonly<Record<Variant, string>>;
  /** Worker threads; 1 unless the lab is about several, so that every connection meets every other. */
  readonly concurrency: number;
  config(variant: Variant): ConfigParts;
  /** Files beside the configuration, by name: the modules of filters. */
  readonly files?: Readonly<Record<string, string>>;
  /** Further options of `nodeproxy run`. */
  readonly args?: readonly string[];
  startService(variant: Variant): Promise<Service>;
  /** One round of traffic. `round` counts from 0; `rounds` of them are a run, more where `--seconds` leaves time. */
  readonly rounds: number;
  traffic(run: LabRun, round: number): Promise<void>;
  /** What the diagnosis of the broken variant names first, and that of the fixed one not at all. */
  readonly expects: { readonly cause: CauseId; readonly subject?: string };
  /** `--slow-ms` of the diagnosis, where it is not the time that is wrong. */
  readonly slowMs?: number;
  /** Log lines that matter: of each kind the slowest one is shown. And what to look at in them. */
  readonly lines: readonly RegExp[];
  readonly lookAt: string;
  /** Lines of the application log that matter. */
  readonly applicationLog?: RegExp;
  /** What the reader should see. */
  readonly seen: Readonly<Record<Variant, string>>;
  /** What to change, in a sentence. */
  readonly fix: string;
}
