/**
 * What is compared: a program that can be configured for the work of a benchmark and started on one core. Type-only but for the
 * text of what is missing.
 *
 * The work is the same for all of one kind. HTTP: HTTP/1.1 keep-alive on both sides, a pool to one upstream, an x-request-id, the
 * client's address appended to x-forwarded-for, and an access log to a file, written in batches. TCP: bytes, without a log.
 */
import type { LoadTool } from '../harness/load.ts';

/** Where one contender runs. */
export interface Place {
  /** For its configuration and logs. */
  readonly folder: string;
  /** Of 127.0.0.1. */
  readonly port: number;
  readonly upstreamPort: number;
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  /** Standard output is appended to this file. */
  readonly stdout?: string;
  readonly measureChildren?: boolean;
  /** Files it appends to: emptied between rounds, or the disk would be full in minutes. */
  readonly logs: readonly string[];
}

export interface Contender {
  /** As it stands in tables. */
  readonly name: string;
  readonly program: Program;
  /** It has threads for all cores, those of the load too; otherwise it gets the one for proxies. */
  readonly allCores?: boolean;
  /** Writes its configuration. */
  configure(place: Place): Command;
}

export interface Program {
  /** As the set-up of a report states it. */
  readonly name: string;
  /** `undefined`: it is there; otherwise what is missing, one sentence without a full stop. */
  missing(): string | undefined;
  /** `undefined` where it is part of the set-up anyway. */
  version(): string | undefined;
}

/** Why figures of a run are not those of another: what took the place of what. */
export function stoodIn(tool: LoadTool): string | undefined {
  return tool === 'wrk'
    ? undefined
    : 'wrk is not installed: autocannon loads, and throughput is mostly its own';
}
