/**
 * From the resolver to the workers: collects changed clusters and publishes them together, as one version of the `clusters` slot.
 *
 * Changes of one turn of main's loop (a DNS answer may change many clusters, a start adds them all) go out as one message per worker.
 * A worker that starts meanwhile takes the current version with its options. What is published is kept there alone, and read back from
 * it; endpoints are published once, as hosts.
 */
import type { SharedSnapshot } from '../api/server.ts';
import type { ClusterSnapshot } from '../api/upstream.ts';
import { withoutEndpoints } from '../upstream/endpoints.ts';
import type { SnapshotWriter } from './snapshot.ts';

export class ClusterPublisher {
  readonly #writer: SnapshotWriter<ClusterSnapshot>;
  readonly #post: (snapshot: SharedSnapshot) => void;
  #changed = new Map<string, ClusterSnapshot>();
  #removed = new Set<string>();
  #scheduled = false;

  constructor(writer: SnapshotWriter<ClusterSnapshot>, post: (snapshot: SharedSnapshot) => void) {
    this.#writer = writer;
    this.#post = post;
  }

  /** `null`: removed. */
  onChange(name: string, snapshot: ClusterSnapshot | null): void {
    if (snapshot === null) {
      this.#changed.delete(name);
      this.#removed.add(name);
    } else {
      this.#removed.delete(name);
      this.#changed.set(name, { ...snapshot, config: withoutEndpoints(snapshot.config) });
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.publish());
  }

  /** The newest entry, without the endpoints in its configuration; made anew each time. */
  get(name: string): ClusterSnapshot | undefined {
    if (this.#removed.has(name)) return undefined;
    return this.#changed.get(name) ?? this.#writer.read(name);
  }

  /** Now, what is waiting; nothing when there is nothing. */
  publish(): void {
    this.#scheduled = false;
    if (this.#changed.size === 0 && this.#removed.size === 0) return;
    const snapshot = this.#writer.publish(this.#changed, [...this.#removed]);
    this.#changed = new Map();
    this.#removed = new Set();
    this.#post(snapshot);
  }
}
