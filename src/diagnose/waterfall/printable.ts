/**
 * Texts for eyes: values of a log line were chosen by whoever sent the request, so whatever could steer a terminal, hide or turn text
 * around becomes visible first. Escaping for HTML comes on top of it, where HTML is written.
 */

/** Controls, what has no shape of its own (direction, zero width, soft hyphen, byte order mark), line separators, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text with every character that does not show as itself written as `\u001b`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (found) => {
    const code = (found.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** At most `most` characters, the middle left out. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  if (most < 5) return text.slice(0, most);
  const front = Math.ceil((most - 1) * 0.6);
  return `${text.slice(0, front)}…${text.slice(text.length - (most - 1 - front))}`;
}

/** `19 ms`, `350 µs`, `9.003 s`; three to four digits. A length of 0 is shorter than the line can tell: `<1 ms`. */
export function lengthText(us: number, resolutionUs = 1): string {
  if (us === 0) return resolutionUs >= 1000 ? '<1 ms' : '0 µs';
  const size = Math.abs(us);
  if (size < 1000) return `${Math.round(us)} µs`;
  if (size < 1_000_000) return `${rounded(us / 1000)} ms`;
  if (size < 120_000_000) return `${rounded(us / 1_000_000)} s`;
  if (size < 7_200_000_000) return `${rounded(us / 60_000_000)} min`;
  return `${rounded(us / 3_600_000_000)} h`;
}

function rounded(value: number): string {
  const digits = Math.abs(value) < 10 ? 3 : Math.abs(value) < 100 ? 2 : 1;
  return String(Number(value.toFixed(digits)));
}

/** `1 read`, `3 reads`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
