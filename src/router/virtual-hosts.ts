/**
 * The virtual hosts of one published table that this worker's requests have asked for, compiled at their first request and kept.
 *
 * Several domains of a virtual host share it. What changed in a new snapshot is forgotten, the rest is carried over.
 */
import type { DomainGroup, RoutePart, ScopedSnapshot, SnapshotScope } from '../api/server.ts';
import type { Gauge } from '../api/stats.ts';
import { InvariantError } from '../base/invariant.ts';
import type { CompiledHost, HostCompiler } from './compile-host.ts';
import { domainMark, partsPrefix } from './route-parts.ts';

export type RouteParts = Pick<ScopedSnapshot<RoutePart>, 'scope'>;

interface Kept {
  readonly version: number;
  readonly host: CompiledHost;
}

export class VirtualHosts {
  readonly #parts: SnapshotScope<RoutePart>;
  readonly #byKind: Readonly<Record<DomainGroup['kind'], SnapshotScope<RoutePart>>>;
  readonly #compile: HostCompiler;
  readonly #inflated: Pick<Gauge, 'add'>;
  /** By the rest of the name that the host lies under. Bounded by the configuration. */
  readonly #kept = new Map<string, Kept>();

  /** `inflated`: how many are kept, added up over the tables of the worker. */
  constructor(parts: RouteParts, table: string, compile: HostCompiler, inflated: Pick<Gauge, 'add'>) {
    const prefix = partsPrefix(table);
    const ofKind = (kind: DomainGroup['kind']): SnapshotScope<RoutePart> =>
      parts.scope(prefix + domainMark(kind));
    this.#parts = parts.scope(prefix);
    this.#byKind = {
      exact: ofKind('exact'),
      suffix: ofKind('suffix'),
      prefix: ofKind('prefix'),
      any: ofKind('any'),
    };
    this.#compile = compile;
    this.#inflated = inflated;
  }

  find(kind: DomainGroup['kind'], text: string): CompiledHost | null {
    const version = this.#byKind[kind].entryVersion(text);
    if (version === 0) return null;
    const key = domainMark(kind) + text;
    return this.#kept.get(key)?.host ?? this.#take(key, version);
  }

  /** Takes over what another one, of an older snapshot with the same settings of the table, has compiled. */
  adopt(older: VirtualHosts): void {
    for (const [key, kept] of older.#kept) {
      if (this.#parts.entryVersion(key) === kept.version) this.#keep(key, kept);
    }
  }

  /** It is not used again. */
  release(): void {
    this.#inflated.add(-this.#kept.size);
    this.#kept.clear();
  }

  #take(key: string, version: number): CompiledHost {
    const part = this.#parts.load(key);
    if (part?.kind === 'alias') {
      return this.#kept.get(part.of)?.host ?? this.#take(part.of, this.#parts.entryVersion(part.of));
    }
    if (part?.kind !== 'host') throw new InvariantError(`the routes have no virtual host under ${key}`);
    const host = this.#compile(part.host);
    // A copy: the key may hold a part of the request's head, and with it all of that.
    this.#keep(Buffer.from(key).toString(), { version, host });
    return host;
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.set(key, kept);
    this.#inflated.add(1);
  }
}
