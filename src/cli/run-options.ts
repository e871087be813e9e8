/**
 * The options of `nodeproxy run`: Envoy's names and defaults, and what they become. Those that only mean something to a part that
 * does not exist here (hot restart) are accepted and shown by `/server_info`, so that a command line for Envoy works.
 */
import type { Bootstrap } from '../api/envoy.ts';
import { COMPONENTS, LEVELS, isComponent, isLogLevel } from '../base/logger.ts';
import type { LogLevel } from '../base/logger.ts';
import { patternProblem } from '../base/log-pattern.ts';
import { suggestion } from '../config/suggestion.ts';
import {
  DEFAULT_CONCURRENCY,
  DEFAULT_DRAIN_TIME_MS,
  DEFAULT_PARENT_SHUTDOWN_MS,
} from '../server/server-options.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { oneOf, wholeNumber } from './option.ts';
import type { OptionSpec, ParsedOptions } from './option.ts';

const MAX_SECONDS = 1_000_000;
/** Envoy's short forms. */
const LEVEL_ALIASES: Readonly<Record<string, LogLevel>> = { warn: 'warning', err: 'error' };
const seconds = wholeNumber(0, MAX_SECONDS);

const CONFIG_YAML: OptionSpec = {
  name: 'config-yaml',
  value: '<text>',
  help: 'bootstrap text, merged over the file',
};

/** Where a configuration comes from, for commands that have no other one. */
export const CONFIG_OPTIONS: readonly OptionSpec[] = [
  { name: 'config-path', short: 'c', value: '<file>', help: 'Envoy v3 bootstrap, YAML or JSON' },
  CONFIG_YAML,
];

export const RUN_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'config-path',
    short: 'c',
    value: '<file>',
    help: 'Envoy v3 bootstrap, YAML or JSON; without it the demo configuration',
  },
  CONFIG_YAML,
  {
    name: 'concurrency',
    value: '<n>',
    help: 'worker threads, fixed for the process; default 2',
    check: wholeNumber(1, 512),
  },
  {
    name: 'log-level',
    short: 'l',
    value: '<level>',
    help: `application log: ${LEVELS.join(', ')}; default info`,
    check: checkLevel,
  },
  {
    name: 'component-log-level',
    value: '<a:level,…>',
    help: 'levels of components, as `http:debug,pool:trace`',
    check: checkComponents,
  },
  {
    name: 'log-format',
    value: '<format>',
    help: 'application log: text (default), json, or a pattern like Envoy\'s "%Y-%m-%dT%T.%fZ %l %n %v"',
    check: checkFormat,
  },
  { name: 'log-path', value: '<file>', help: 'application log goes there instead of to standard error' },
  {
    name: 'drain-time-s',
    value: '<n>',
    help: 'longest time for requests in flight when stopping; default 600',
    check: seconds,
  },
  {
    name: 'drain-strategy',
    value: '<name>',
    help: 'graceful drains: gradual (default) or immediate',
    check: oneOf(['gradual', 'immediate']),
  },
  { name: 'parent-shutdown-time-s', value: '<n>', help: 'as Envoy; default 900', check: seconds },
  {
    name: 'file-flush-interval-msec',
    value: '<n>',
    help: 'access-log files are written at least this often; default 10000',
    check: wholeNumber(1, 3_600_000),
  },
  {
    name: 'socket-interface',
    value: '<name>',
    help: 'auto (default): own system calls where they work; syscall; portable: node:net',
    check: oneOf(['auto', 'syscall', 'portable']),
  },
  {
    name: 'mode',
    value: '<name>',
    help: 'serve (default), or validate: check the configuration and exit',
    check: oneOf(['serve', 'validate']),
  },
  { name: 'admin-address-path', value: '<file>', help: "the admin's address is written there" },
  { name: 'service-node', value: '<id>', help: 'node id, over the one in the file' },
  { name: 'service-cluster', value: '<name>', help: "node's cluster, over the one in the file" },
  { name: 'base-id', value: '<n>', help: 'as Envoy; shown only', check: wholeNumber(0, 1_000_000) },
];

/** What the command line says, beside the configuration. `flushMs`: flush interval where it says none. */
export function serverOptions(parsed: ParsedOptions, bootstrap: Bootstrap, flushMs: number): ServerOptions {
  const { values } = parsed;
  const text = (name: string, otherwise = ''): string => values.get(name) ?? otherwise;
  const number = (name: string, otherwise: number): number => Number(values.get(name) ?? otherwise);
  const logPath = values.get('log-path');
  const adminAddressPath = values.get('admin-address-path');
  return {
    bootstrap,
    configPath: text('config-path'),
    configYaml: text('config-yaml'),
    concurrency: number('concurrency', DEFAULT_CONCURRENCY),
    socketInterface: text('socket-interface', 'auto') as ServerOptions['socketInterface'],
    logLevel: levelOf(text('log-level', 'info')),
    componentLevels: componentLevels(text('component-log-level')),
    logFormat: text('log-format', 'text'),
    ...(logPath === undefined ? {} : { logPath }),
    drainTimeMs: number('drain-time-s', DEFAULT_DRAIN_TIME_MS / 1000) * 1000,
    drainStrategy: text('drain-strategy', 'gradual') as ServerOptions['drainStrategy'],
    parentShutdownMs: number('parent-shutdown-time-s', DEFAULT_PARENT_SHUTDOWN_MS / 1000) * 1000,
    fileFlushIntervalMs: number('file-flush-interval-msec', flushMs),
    ...(adminAddressPath === undefined ? {} : { adminAddressPath }),
    baseId: number('base-id', 0),
    serviceNode: text('service-node'),
    serviceCluster: text('service-cluster'),
  };
}

/** Level by component, for all of them: the general one, then the particular ones. */
export function allLevels(
  options: Pick<ServerOptions, 'logLevel' | 'componentLevels'>,
): Record<string, LogLevel> {
  return {
    ...Object.fromEntries(COMPONENTS.map((name) => [name, options.logLevel])),
    ...options.componentLevels,
  };
}

function levelOf(text: string): LogLevel {
  const level = LEVEL_ALIASES[text] ?? text;
  return isLogLevel(level) ? level : 'info';
}

function componentLevels(text: string): Record<string, LogLevel> {
  return Object.fromEntries(pairs(text).map(([name, level]) => [name, levelOf(level)]));
}

function pairs(text: string): [string, string][] {
  return text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const colon = part.indexOf(':');
      return colon < 0 ? [part, ''] : [part.slice(0, colon), part.slice(colon + 1)];
    });
}

function checkLevel(value: string): string | null {
  const known = [...LEVELS, ...Object.keys(LEVEL_ALIASES)];
  return known.includes(value) ? null : `must be one of ${LEVELS.join(', ')}${suggestion(value, known)}`;
}

function checkComponents(value: string): string | null {
  for (const [name, level] of pairs(value)) {
    if (!isComponent(name))
      return `no component "${name}"${suggestion(name, COMPONENTS)}; there are ${COMPONENTS.join(', ')}`;
    const problem = checkLevel(level);
    if (problem !== null) return `${name}: ${problem}`;
  }
  return null;
}

function checkFormat(value: string): string | null {
  if (value === 'text' || value === 'json') return null;
  return value.includes('%v') ? patternProblem(value) : 'must be text, json or a pattern with %v';
}
