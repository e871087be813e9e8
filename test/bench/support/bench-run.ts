/** A run as `run-scenario.ts` gives it to a scenario, in a folder of the test, recording what was said. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { coresOf } from '../../../bench/harness/set-up.ts';
import type { Section, Table } from '../../../bench/report/report.ts';
import type { BenchRun, Scenario } from '../../../bench/scenario.ts';

export interface Recorded {
  readonly run: BenchRun;
  readonly notes: string[];
  readonly steps: string[];
  readonly versions: Map<string, string>;
  readonly pinnings: Map<string, string>;
  /** Removes the folder. */
  readonly end: () => void;
}

/** Defaults of the scenario's options filled in below the given ones. */
export function benchRun(
  given: Readonly<Record<string, string>> = {},
  { scenario, signal = new AbortController().signal }: { scenario?: Scenario; signal?: AbortSignal } = {},
): Recorded {
  const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-bench-test-'));
  const notes: string[] = [];
  const steps: string[] = [];
  const versions = new Map<string, string>();
  const pinnings = new Map<string, string>();
  const defaults = (scenario?.options ?? []).map((option): [string, string] => [
    option.name,
    option.quick ?? option.default ?? '',
  ]);
  const run: BenchRun = {
    options: new Map([...defaults, ...Object.entries(given)]),
    quick: true,
    folder,
    cores: coresOf(),
    progress: { step: (text) => void steps.push(text), note: (text) => void notes.push(text) },
    signal,
    version: (program, version) => void versions.set(program, version),
    pinned: (what, where) => void pinnings.set(what, where),
  };
  const end = (): void => rmSync(folder, { recursive: true, force: true });
  return { run, notes, steps, versions, pinnings, end };
}

export function tablesOf(sections: readonly Section[]): Table[] {
  return sections.flatMap(({ parts }) => parts.filter((part) => part.kind === 'table'));
}
