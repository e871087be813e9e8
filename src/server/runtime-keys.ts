/**
 * Keys of the runtime's static layers, as the few parts that have one ask for them. Keys may be dotted or nested, later layers win,
 * numbers and booleans of a Struct may be written as text.
 */
import type { Bootstrap } from '../api/envoy.ts';

export class RuntimeKeys {
  readonly #values = new Map<string, unknown>();

  constructor(bootstrap: Bootstrap) {
    for (const layer of bootstrap.layered_runtime?.layers ?? []) this.#flatten(layer.static_layer ?? {}, '');
  }

  /** A number from 0 on; undefined: there is none. */
  number(key: string): number | undefined {
    const value = this.#values.get(key);
    const number = typeof value === 'string' ? Number(value) : value;
    return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : undefined;
  }

  boolean(key: string, otherwise: boolean): boolean {
    const value = String(this.#values.get(key));
    return value === 'true' || value === 'false' ? value === 'true' : otherwise;
  }

  #flatten(value: object, prefix: string): void {
    for (const [key, each] of Object.entries(value) as [string, unknown][]) {
      if (typeof each === 'object' && each !== null) this.#flatten(each, `${prefix}${key}.`);
      else this.#values.set(prefix + key, each);
    }
  }
}
