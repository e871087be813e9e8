/**
 * A control group for each pod (cgroup v2): what a program of the kernel is hung on so that it sees the pod's processes and no others.
 *
 *   <cgroup2>/npb-<pid>-<start>/      programs for all pods
 *                 c1/  s1/  …         programs for one pod; its processes
 *
 * A socket belongs to the group in which its process was when it was made, so processes enter their group before they start.
 * Names are those of the namespaces, and so are leftovers: groups whose process is gone are removed at the next start.
 */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { delay } from '../../src/base/clock.ts';
import { hasOwner, ownMark } from '../topology/namespaces.ts';
import type { Place } from '../topology/network.ts';

/** Processes that have just ended leave their group a moment later. */
const TRIES = 100;
const TRY_EVERY_MS = 20;

/** Where cgroup v2 is mounted; `undefined`: nowhere. */
export function mountPoint(): string | undefined {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  return mounts.map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2')?.[1];
}

/** Names of all groups of benchmarks. */
export function cgroupNames(): string[] {
  const root = mountPoint();
  return root === undefined ? [] : readdirSync(root).filter((name) => name.startsWith('npb-'));
}

export class PodCgroups {
  readonly #folder: string;
  readonly #pods: readonly string[];

  private constructor(folder: string, pods: readonly string[]) {
    this.#folder = folder;
    this.#pods = pods;
  }

  /** @throws where there is no cgroup v2, or it may not be written. */
  static make(pods: readonly Place[]): PodCgroups {
    const root = mountPoint();
    if (root === undefined) throw new Error('cgroup v2 is not mounted');
    removeLeftovers(root);
    const folder = join(root, ownMark());
    const names = pods.map(({ name }) => name);
    try {
      for (const name of names) mkdirSync(join(folder, name), { recursive: true });
    } catch (error) {
      removeGroups(folder, names);
      throw error;
    }
    return new PodCgroups(folder, names);
  }

  /** The place whose processes are in the pod's group. */
  enter(place: Place): Place {
    const members = join(this.#folder, place.name, 'cgroup.procs');
    // In front of `ip netns exec`, which has another /sys.
    const script = 'echo $$ >"$0" && exec "$@"';
    return { ...place, command: ['sh', '-c', script, members, ...place.command] };
  }

  /** Descriptor of the group of a pod, or of all pods, while `use` runs. */
  withGroup<T>(pod: string | null, use: (group: number) => T): T {
    const group = openSync(pod === null ? this.#folder : join(this.#folder, pod), 'r');
    try {
      return use(group);
    } finally {
      closeSync(group);
    }
  }

  /** When all processes have ended. @throws where one is still there. */
  async remove(): Promise<void> {
    for (let tried = 1; ; tried += 1) {
      try {
        removeGroups(this.#folder, this.#pods);
        return;
      } catch (error) {
        if (tried === TRIES) throw error;
        await delay(TRY_EVERY_MS);
      }
    }
  }
}

function removeGroups(folder: string, pods: readonly string[]): void {
  if (!existsSync(folder)) return;
  const there = new Set(readdirSync(folder));
  for (const pod of pods) if (there.has(pod)) rmdirSync(join(folder, pod));
  rmdirSync(folder);
}

/** Of benchmarks that were killed. One in which something still runs stays. */
function removeLeftovers(root: string): void {
  for (const name of readdirSync(root)) {
    if (!name.startsWith('npb-') || hasOwner(name)) continue;
    const folder = join(root, name);
    const pods = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    try {
      removeGroups(
        folder,
        pods.map((entry) => entry.name),
      );
    } catch {
      // The next run finds it again.
    }
  }
}
