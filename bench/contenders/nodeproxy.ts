/** nodeproxy as it is built, with one worker unless said otherwise, its log flushed every second as nginx's is. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { INSTRUMENTED_FORMAT } from '../../src/observe/format/instrumented-format.ts';
import { httpFilter, tcpFilter, writeBootstrap } from './bootstrap.ts';
import type { LogFormat } from './bootstrap.ts';
import type { Command, Contender, Program } from './contender.ts';

const BIN = fileURLToPath(new URL('../../bin/nodeproxy.js', import.meta.url));

export const NODEPROXY: Program = {
  name: 'nodeproxy',
  missing: () => undefined,
  version: () => undefined,
};

export interface NodeproxyOptions {
  readonly name: string;
  /** Of its files. */
  readonly file: string;
  readonly log: LogFormat;
  readonly concurrency?: number;
  readonly args?: readonly string[];
  readonly addresses?: readonly string[];
  readonly listener?: object;
  readonly cluster?: object;
  readonly allCores?: boolean;
}

export function nodeproxy({ name, file, log, ...options }: NodeproxyOptions): Contender {
  return {
    name,
    program: NODEPROXY,
    allCores: options.allCores ?? false,
    configure(place) {
      const path = join(place.folder, `${file}.log`);
      const filter = httpFilter(log, path);
      const { addresses, listener = {}, cluster = {} } = options;
      const listens = addresses === undefined ? {} : { addresses };
      const config = writeBootstrap(file, place, { filter, ...listens, listener, cluster });
      return command(config, log === null ? [] : [path], options);
    },
  };
}

export const NODEPROXY_FULL = nodeproxy({
  name: 'nodeproxy, full log',
  file: 'nodeproxy-full',
  log: { text: INSTRUMENTED_FORMAT },
});

export const NODEPROXY_PLAIN = nodeproxy({
  name: 'nodeproxy, plain log',
  file: 'nodeproxy-plain',
  log: 'default',
});

export const NODEPROXY_NONE = nodeproxy({ name: 'nodeproxy, no log', file: 'nodeproxy-none', log: null });

export const NODEPROXY_TCP: Contender = {
  name: 'nodeproxy, tcp_proxy',
  program: NODEPROXY,
  configure: (place) => command(writeBootstrap('nodeproxy-tcp', place, { filter: tcpFilter() }), []),
};

/** Runs a bootstrap. */
export function command(
  config: string,
  logs: readonly string[],
  { concurrency = 1, args = [] }: Pick<NodeproxyOptions, 'concurrency' | 'args'> = {},
): Command {
  const options = ['--concurrency', String(concurrency), '--log-level', 'error'];
  options.push('--file-flush-interval-msec', '1000', '--drain-time-s', '1', ...args);
  return { command: process.execPath, args: [BIN, 'run', '-c', config, ...options], logs };
}
