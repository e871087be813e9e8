/**
 * The route table of now, opened when a request first needs it after main published a new snapshot.
 *
 * A new snapshot need not change this table: the new one takes over what is the same, so no virtual host is compiled again for it.
 */
import type { RouteConfiguration } from '../api/envoy.ts';
import type { RouteTable } from '../api/http.ts';
import type { RoutePart, RouteSlot, ScopedSnapshot } from '../api/server.ts';
import type { Gauge } from '../api/stats.ts';
import type { RouteTableSlot } from './http-configuration.ts';

export type RouteCompiler = (config: RouteConfiguration) => RouteTable;

/** A table that can hand over what it knows to a newer one of the same name; null: there is none any more. */
export interface OpenRouteTable extends RouteTable {
  retire(next: OpenRouteTable | null): void;
}

/** Null: the snapshot has no table of that name. `inflated` counts the virtual hosts that are decoded and compiled. */
export type RouteOpener = (
  snapshot: ScopedSnapshot<RoutePart>,
  name: string,
  inflated: Gauge,
) => OpenRouteTable | null;

export class CurrentRoutes implements RouteTableSlot {
  readonly #slot: RouteSlot;
  readonly #name: string;
  readonly #open: RouteOpener;
  readonly #inflated: Gauge;
  #version = -1;
  #table: OpenRouteTable | null = null;

  constructor(slot: RouteSlot, name: string, open: RouteOpener, inflated: Gauge) {
    this.#slot = slot;
    this.#name = name;
    this.#open = open;
    this.#inflated = inflated;
  }

  get current(): RouteTable | null {
    const snapshot = this.#slot.get();
    if (snapshot.version !== this.#version) {
      this.#version = snapshot.version;
      const next = this.#open(snapshot, this.#name, this.#inflated);
      this.#table?.retire(next);
      this.#table = next;
    }
    return this.#table;
  }
}

/** A table that stands in the configuration itself. */
export function fixedRoutes(config: RouteConfiguration, compile: RouteCompiler): RouteTableSlot {
  return { current: compile(config) };
}
