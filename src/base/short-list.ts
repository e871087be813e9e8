/**
 * Lists that nearly always have one entry or none, and that are replaced rather than changed: whoever walks one while it gains or
 * loses an entry walks what it was.
 *
 * A literal of one entry has room for one; an array that grew has room for sixteen more, which is what most of a request's
 * garbage would be.
 */
export function withEntry<Entry>(list: readonly Entry[], entry: Entry): readonly Entry[] {
  return list.length === 0 ? [entry] : [...list, entry];
}

/** Without each place where `entry` stands. `list` itself if there is none. */
export function withoutEntry<Entry>(list: readonly Entry[], entry: Entry): readonly Entry[] {
  if (!list.includes(entry)) return list;
  return list.length === 1 ? EMPTY : list.filter((each) => each !== entry);
}

const EMPTY: readonly never[] = [];
