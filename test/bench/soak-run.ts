/** A soak of a few requests for the tests: a folder, a seed, a size, and nobody who looks on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { coresOf } from '../../bench/harness/set-up.ts';
import type { Check, PartResult, Soak } from '../../bench/soak/part.ts';

export function smallSoak(t: TestContext, size: number, signal = new AbortController().signal): Soak {
  const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-soak-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    seed: 7,
    size: () => size,
    bench: {
      options: new Map(),
      quick: true,
      folder,
      cores: coresOf(),
      progress: { step: () => undefined, note: () => undefined },
      signal,
      version: () => undefined,
      pinned: () => undefined,
    },
  };
}

export function checkOf({ checks }: PartResult, what: RegExp): Check {
  const found = checks.find((each) => what.test(each.what));
  if (found === undefined) throw new Error(`no check ${what}: ${checks.map((each) => each.what).join('; ')}`);
  return found;
}

/** Checks that are not met, with what was found. */
export function notMet({ checks }: PartResult): string[] {
  return checks.filter(({ passed }) => !passed).map(({ what, found }) => `${what}: ${found}`);
}
