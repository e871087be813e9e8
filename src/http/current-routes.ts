/**
 * The route table of now, compiled when a request first needs it after main published a new snapshot.
 *
 * A new snapshot need not change this table: it is compiled again only when its entry is another one.
 */
import { isDeepStrictEqual } from 'node:util';
import type { RouteConfiguration } from '../api/envoy.ts';
import type { RouteTable } from '../api/http.ts';
import type { Slot } from '../api/server.ts';
import type { RouteTableSlot } from './http-configuration.ts';

export type RouteCompiler = (config: RouteConfiguration) => RouteTable;

export class CurrentRoutes implements RouteTableSlot {
  readonly #slot: Slot<RouteConfiguration>;
  readonly #name: string;
  readonly #compile: RouteCompiler;
  #version = -1;
  #config: RouteConfiguration | undefined;
  #table: RouteTable | null = null;

  constructor(slot: Slot<RouteConfiguration>, name: string, compile: RouteCompiler) {
    this.#slot = slot;
    this.#name = name;
    this.#compile = compile;
  }

  get current(): RouteTable | null {
    const snapshot = this.#slot.get();
    if (snapshot.version !== this.#version) {
      this.#version = snapshot.version;
      this.#take(snapshot.get(this.#name));
    }
    return this.#table;
  }

  #take(config: RouteConfiguration | undefined): void {
    if (config !== undefined && isDeepStrictEqual(config, this.#config)) return;
    this.#config = config;
    this.#table = config === undefined ? null : this.#compile(config);
  }
}

/** A table that stands in the configuration itself. */
export function fixedRoutes(config: RouteConfiguration, compile: RouteCompiler): RouteTableSlot {
  return { current: compile(config) };
}
