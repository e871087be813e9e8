/**
 * `nodeproxy run`: loads the configuration, or makes the demo's, and serves until it is told to stop. Exit code 0 after a drain, 1
 * when it could not start.
 */
import { closeSync, openSync } from 'node:fs';
import type { Bootstrap } from '../api/envoy.ts';
import { configureLogging, logger, setLogLevels } from '../base/logger.ts';
import { loadBootstrap, readConfigFile } from '../config/load-bootstrap.ts';
import { threadId } from '../os/thread.ts';
import { DEFAULT_FILE_FLUSH_MS } from '../server/server-options.ts';
import { CONFIG_CHECKS } from '../server/config-checks.ts';
import type { Demo } from '../server/demo.ts';
import { prepareMemory } from '../server/main-memory.ts';
import { Server } from '../server/server.ts';
import { StartError } from '../server/worker-pool.ts';
import { EXIT_OK } from './command.ts';
import type { Command, Output } from './command.ts';
import { UsageError } from './option.ts';
import type { ParsedOptions } from './option.ts';
import { allLevels, RUN_OPTIONS, serverOptions } from './run-options.ts';

/** The demo's log is read by a person who has just sent a request. */
const DEMO_FLUSH_MS = 50;

export const RUN: Command = {
  name: 'run',
  summary: 'Run the proxy',
  usage: '[-c FILE] [options]',
  options: RUN_OPTIONS,
  notes: [
    'SIGTERM and SIGINT stop accepting, let what is in flight end (`connection: close`) and exit with 0; a second one closes what is open. ' +
      'SIGUSR1 reopens the log files.',
  ],
  run,
};

async function run(parsed: ParsedOptions, out: Output): Promise<number> {
  const [unexpected] = parsed.positionals;
  if (unexpected !== undefined)
    throw new UsageError(`unexpected "${unexpected}": a configuration is given with -c`);
  prepareMemory();
  const bootstrap = configured(parsed);
  if (parsed.values.get('mode') === 'validate') {
    if (bootstrap === null)
      throw new UsageError('--mode validate needs a configuration: -c or --config-yaml');
    out.result(`${parsed.values.get('config-path') ?? '--config-yaml'}: OK`);
    return EXIT_OK;
  }
  if (bootstrap !== null) {
    await serve(parsed, bootstrap, null, out);
    return EXIT_OK;
  }
  // Loaded only here: who runs a configuration of their own has no use for it.
  const { startDemo } = await import('../server/demo.ts');
  const demo = await startDemo();
  try {
    await serve(parsed, demo.bootstrap, demo, out);
  } finally {
    await demo.stop();
  }
  return EXIT_OK;
}

/** Null: nothing was given. Throws `ConfigError`. */
function configured({ values }: ParsedOptions): Bootstrap | null {
  const file = values.get('config-path');
  const configYaml = values.get('config-yaml');
  if (file === undefined && configYaml === undefined) return null;
  if (file === undefined)
    return loadBootstrap({ text: configYaml ?? '', file: '--config-yaml' }, { checks: CONFIG_CHECKS });
  const source = { text: readConfigFile(file), file };
  const over = configYaml === undefined ? {} : { configYaml };
  return loadBootstrap(source, { ...over, checks: CONFIG_CHECKS });
}

async function serve(
  parsed: ParsedOptions,
  bootstrap: Bootstrap,
  demo: Demo | null,
  out: Output,
): Promise<void> {
  const options = serverOptions(parsed, bootstrap, demo === null ? DEFAULT_FILE_FLUSH_MS : DEMO_FLUSH_MS);
  const thread = String(threadId() || process.pid);
  if (options.logPath !== undefined) checkLogPath(options.logPath);
  configureLogging({ format: options.logFormat, path: options.logPath, thread });
  setLogLevels(allLevels(options));
  logger('main').info(`command: ${JSON.stringify(process.argv.slice(2))}`);
  const server = new Server({
    ...options,
    onLive: (running) => {
      if (demo !== null) out.problem(demo.banner(running));
    },
  });
  await server.run();
}

/** Found out here: the logger opens its file at the first line, and has nowhere to say that it could not. */
function checkLogPath(path: string): void {
  try {
    closeSync(openSync(path, 'a'));
  } catch (error) {
    throw new StartError(`--log-path: ${error instanceof Error ? error.message : String(error)}`);
  }
}
