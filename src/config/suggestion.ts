/** "Did you mean": the known name that lies nearest to a mistyped one. */

/** More edits than this is another word, not a slip. */
const MAX_EDITS = 2;

/** ` (did you mean "name"?)`, or '' when nothing is near. */
export function suggestion(typed: string, known: Iterable<string>): string {
  let best = '';
  let bestEdits = MAX_EDITS + 1;
  for (const name of known) {
    if (Math.abs(name.length - typed.length) >= bestEdits) continue;
    const edits = editsBetween(typed.toLowerCase(), name.toLowerCase());
    if (edits < bestEdits) {
      best = name;
      bestEdits = edits;
    }
  }
  return best === '' ? '' : ` (did you mean "${best}"?)`;
}

/** Levenshtein distance, one row at a time. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_cell, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replace));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
