/**
 * The application log: what the proxy says about itself, as opposed to the access logs about requests. pino writes it, one
 * instance per thread, with no transport (each would cost a thread), synchronously to standard error or `--log-path`.
 *
 * A logger belongs to a component; each component has its own level, changeable while running (`/logging`). The cost of a
 * disabled line is one compare, provided that the caller guards a line whose text it must build:
 *
 *   const log = logger('router');
 *   if (log.debugOn) log.debug(`[C${id}] cluster ${name} match for ${path}`);
 */
import { pino } from 'pino';
import type { DestinationStream, Logger as PinoLogger } from 'pino';
import { SystemClock } from './clock.ts';
import { compilePattern, DEFAULT_PATTERN } from './log-pattern.ts';

/** Envoy's names for them, where Envoy has the component. */
export const COMPONENTS = [
  'main',
  'admin',
  'config',
  'connection',
  'client',
  'conn_handler',
  'dispatcher',
  'dns',
  'file',
  'filter',
  'health_checker',
  'http',
  'http1',
  'http2',
  'listener',
  'misc',
  'pool',
  'router',
  'runtime',
  'secret',
  'stats',
  'tcp',
  'thread',
  'upstream',
] as const;
export type Component = (typeof COMPONENTS)[number];

export const LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'] as const;
export type LogLevel = (typeof LEVELS)[number];
/** One readable line, JSON, or a pattern of one's own (`log-pattern.ts`). */
export type LogFormat = string;

export interface LogOptions {
  readonly format: LogFormat;
  /** File to append to; absent = standard error. */
  readonly path?: string | undefined;
  /** Linux thread id, or a name where it is not known: the second column. */
  readonly thread: string;
}

/** Order of severity, for the compare. */
const RANK: Readonly<Record<LogLevel, number>> = {
  trace: 0,
  debug: 1,
  info: 2,
  warning: 3,
  error: 4,
  critical: 5,
  off: 6,
};
const PINO_LEVEL = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  error: 'error',
  critical: 'fatal',
} as const;
/** pino's numbers. */
const OWN_LEVEL: Readonly<Record<number, LogLevel>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warning',
  50: 'error',
  60: 'critical',
};
const STANDARD_ERROR = 2;

interface Output extends DestinationStream {
  reopen?: () => void;
  flushSync?: () => void;
}

const clock = new SystemClock();
let destination: Output | null = null;
let root: PinoLogger | null = null;
let current: LogOptions = { format: 'text', thread: String(process.pid) };

/** What a text line is made of; pino hands the parts to a stream that asks for them, so no JSON is parsed back. */
interface LineParts {
  lastMsg: string;
  lastLevel: number;
  lastObj: { component: string };
}

function textStream(out: Output, pattern: string): DestinationStream {
  const format = compilePattern(pattern);
  const stream = {
    [Symbol.for('pino.metadata')]: true,
    lastMsg: '',
    lastLevel: 0,
    lastObj: { component: '' },
    write(this: LineParts): void {
      const { component } = this.lastObj;
      const level = OWN_LEVEL[this.lastLevel] ?? 'off';
      const at = clock.now() + clock.wallOffset();
      out.write(`${format({ at, thread: current.thread, level, component, message: this.lastMsg })}\n`);
    },
  };
  return stream;
}

function open(): PinoLogger {
  const out = pino.destination({
    dest: current.path ?? STANDARD_ERROR,
    sync: true,
    append: true,
    mkdir: false,
  });
  destination = out;
  const stream =
    current.format === 'json'
      ? out
      : textStream(out, current.format === 'text' ? DEFAULT_PATTERN : current.format);
  const thread = current.format === 'json' ? { thread: current.thread } : null;
  const formatters = { level: (_label: string, value: number) => ({ level: OWN_LEVEL[value] }) };
  return pino({ level: 'trace', base: thread, formatters, timestamp: pino.stdTimeFunctions.isoTime }, stream);
}

/** Once per thread, before the first line (a later call starts anew). */
export function configureLogging(options: LogOptions): void {
  destination?.flushSync?.();
  current = options;
  root = null;
}

/** After `--log-path` was moved away (SIGUSR1, `/reopen_logs`). */
export function reopenLog(): void {
  if (current.path !== undefined) destination?.reopen?.();
}

export class ComponentLogger {
  readonly component: Component;
  #rank = RANK.info;
  /** Kept beside the level: a guard in front of a line that costs something to build. */
  traceOn = false;
  debugOn = false;

  constructor(component: Component) {
    this.component = component;
  }

  get level(): LogLevel {
    return LEVELS[this.#rank] ?? 'off';
  }

  set level(level: LogLevel) {
    this.#rank = RANK[level];
    this.traceOn = this.#rank <= RANK.trace;
    this.debugOn = this.#rank <= RANK.debug;
  }

  trace(message: string): void {
    if (this.traceOn) this.#write('trace', message);
  }

  debug(message: string): void {
    if (this.debugOn) this.#write('debug', message);
  }

  info(message: string): void {
    if (this.#rank <= RANK.info) this.#write('info', message);
  }

  warning(message: string): void {
    if (this.#rank <= RANK.warning) this.#write('warning', message);
  }

  error(message: string): void {
    if (this.#rank <= RANK.error) this.#write('error', message);
  }

  critical(message: string): void {
    if (this.#rank <= RANK.critical) this.#write('critical', message);
  }

  #write(level: Exclude<LogLevel, 'off'>, message: string): void {
    root ??= open();
    root[PINO_LEVEL[level]]({ component: this.component }, message);
  }
}

const loggers = new Map<Component, ComponentLogger>(
  COMPONENTS.map((name) => [name, new ComponentLogger(name)]),
);

/** The component's logger of this thread: take it once, as a module constant. */
export function logger(component: Component): ComponentLogger {
  return loggers.get(component) ?? new ComponentLogger(component);
}

export function isComponent(name: string): name is Component {
  return (COMPONENTS as readonly string[]).includes(name);
}

export function isLogLevel(name: string): name is LogLevel {
  return (LEVELS as readonly string[]).includes(name);
}

/** `[C7][S2]` in front of a line, as Envoy marks it: the second stream on connection 7. */
export function streamMark(connectionId: number, streamId: number): string {
  return `[C${connectionId}][S${streamId}]`;
}

/** Sets levels; names that are none are left out (they were checked where they came in). */
export function setLogLevels(levels: Readonly<Record<string, string>>): void {
  for (const [name, level] of Object.entries(levels)) {
    if (isComponent(name) && isLogLevel(level)) logger(name).level = level;
  }
}

/** Component -> level of this thread, sorted by name. */
export function logLevels(): Record<string, LogLevel> {
  return Object.fromEntries([...loggers.values()].map((each) => [each.component, each.level]));
}
