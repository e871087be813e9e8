/**
 * The HTTP filters of a configuration, in order: what a stream makes its filter chain from.
 *
 * A stream takes the plan that is current when its request head is complete and keeps it; so a changed filter needs no
 * connection to be closed. Which directions a filter works in is seen once, at its first instance.
 */
import type { StreamFilter } from '../api/http.ts';
import { invariant } from '../base/invariant.ts';

export class FilterEntry {
  readonly name: string;
  readonly terminal: boolean;
  readonly #create: () => StreamFilter;
  #seen = false;
  #decodes = false;
  #encodes = false;

  constructor(name: string, terminal: boolean, create: () => StreamFilter) {
    this.name = name;
    this.terminal = terminal;
    this.#create = create;
  }

  get decodes(): boolean {
    return this.#decodes;
  }

  get encodes(): boolean {
    return this.#encodes;
  }

  create(): StreamFilter {
    const filter = this.#create();
    if (!this.#seen) this.#look(filter);
    return filter;
  }

  /** A factory makes the same kind of object for each stream. */
  #look(filter: StreamFilter): void {
    this.#seen = true;
    this.#decodes =
      filter.decodeHeaders !== undefined ||
      filter.decodeData !== undefined ||
      filter.decodeTrailers !== undefined;
    this.#encodes =
      filter.encodeHeaders !== undefined ||
      filter.encodeData !== undefined ||
      filter.encodeTrailers !== undefined ||
      filter.encodeInformational !== undefined;
  }
}

export class FilterPlan {
  readonly entries: readonly FilterEntry[];

  constructor(entries: readonly FilterEntry[]) {
    invariant(entries.at(-1)?.terminal === true, 'the last HTTP filter is a terminal one');
    this.entries = entries;
  }

  /** For the ledger's text: `filter.<name>`. */
  get names(): readonly string[] {
    return this.entries.map((entry) => entry.name);
  }
}

/** The place where a configuration's current plan lies. */
export interface FilterPlanSlot {
  readonly current: FilterPlan;
}
