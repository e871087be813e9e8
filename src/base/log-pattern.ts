/**
 * The text form of an application-log line, as Envoy's `--log-format` has it (spdlog's patterns): `[%Y-%m-%d %T.%e][%t][%l][%n] %v`.
 * Compiled once per thread into parts; unknown flags are refused where the pattern comes in.
 */
export interface LogLine {
  /** Epoch ms, fractional. */
  readonly at: number;
  readonly thread: string;
  readonly level: string;
  readonly component: string;
  readonly message: string;
}

/** Envoy's default. */
export const DEFAULT_PATTERN = '[%Y-%m-%d %T.%e][%t][%l][%n] %v';

type Part = (line: LogLine, iso: string) => string;

/** `iso`: `2026-11-21T06:00:00.000Z`, UTC as in all our logs. */
const FLAGS: Readonly<Record<string, Part>> = {
  Y: (_, iso) => iso.slice(0, 4),
  m: (_, iso) => iso.slice(5, 7),
  d: (_, iso) => iso.slice(8, 10),
  H: (_, iso) => iso.slice(11, 13),
  M: (_, iso) => iso.slice(14, 16),
  S: (_, iso) => iso.slice(17, 19),
  T: (_, iso) => iso.slice(11, 19),
  e: (_, iso) => iso.slice(20, 23),
  f: ({ at }) => String(Math.floor((at % 1000) * 1000)).padStart(6, '0'),
  t: ({ thread }) => thread,
  P: () => String(process.pid),
  l: ({ level }) => level,
  L: ({ level }) => level.charAt(0).toUpperCase(),
  n: ({ component }) => component,
  v: ({ message }) => message,
  // The same with line feeds escaped.
  _: ({ message }) => message.replaceAll('\n', '\\n'),
  '%': () => '%',
  // Where colours would begin and end.
  '^': () => '',
  $: () => '',
};

/** Null, or what is wrong with the pattern. */
export function patternProblem(pattern: string): string | null {
  for (const [, flag] of pattern.matchAll(/%(.?)/gs)) {
    if (flag === undefined || FLAGS[flag] === undefined)
      return `unknown flag %${flag}; there are ${Object.keys(FLAGS).join(' ')}`;
  }
  return null;
}

export function compilePattern(pattern: string): (line: LogLine) => string {
  const parts = Array.from(pattern.matchAll(/%(.)|[^%]+/gs), ([text, flag]): Part => {
    const known = flag === undefined ? undefined : FLAGS[flag];
    return known ?? (() => text);
  });
  return (line) => {
    const iso = new Date(line.at).toISOString();
    let text = '';
    for (const part of parts) text += part(line, iso);
    return text;
  };
}
