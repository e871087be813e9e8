/** Sums of the ledger's segments, filters by name; for a whole log or for a slice of its time. */
import type { SegmentTotal } from './report.ts';
import type { LineFacts } from './scan/line-facts.ts';
import type { NameTable } from './scan/name-table.ts';
import { SEGMENT_NAMES } from './scan/segments.ts';

export class SegmentSums {
  readonly #us = new Float64Array(SEGMENT_NAMES.length);
  readonly #filters = new Map<number, number>();

  add(facts: LineFacts): void {
    for (let index = 0; index < this.#us.length; index += 1)
      this.#us[index] = (this.#us[index] ?? 0) + (facts.us[index] ?? 0);
    for (let index = 0; index < facts.filters; index += 1) {
      const id = facts.filterIds[index] ?? 0;
      this.#filters.set(id, (this.#filters.get(id) ?? 0) + (facts.filterUs[index] ?? 0));
    }
  }

  merge(other: SegmentSums): void {
    for (let index = 0; index < this.#us.length; index += 1)
      this.#us[index] = (this.#us[index] ?? 0) + (other.#us[index] ?? 0);
    for (const [id, us] of other.#filters) this.#filters.set(id, (this.#filters.get(id) ?? 0) + us);
  }

  /** Largest first. */
  totals(filters: NameTable): SegmentTotal[] {
    const rows: [string, number][] = SEGMENT_NAMES.map((name, index) => [name, this.#us[index] ?? 0]);
    for (const [id, us] of this.#filters) rows.push([filters.name(id), us]);
    const sum = rows.reduce((total, [, us]) => total + us, 0);
    return rows
      .filter(([, us]) => us > 0)
      .map(([segment, us]) => ({ segment, us, share: us / sum }))
      .sort((a, b) => b.us - a.us);
  }
}
