/**
 * Entry of a traced proxy, a process of its own: a whole server with one worker whose application log says everything. It is started
 * by `traced-proxy.ts`, tells it over the channel where it listens, and ends with it, however that one ended.
 */
import { configureLogging, COMPONENTS, setLogLevels } from '../base/logger.ts';
import { loadBootstrap, readConfigFile } from '../config/load-bootstrap.ts';
import { threadId } from '../os/thread.ts';
import { CONFIG_CHECKS } from '../server/config-checks.ts';
import { Server } from '../server/server.ts';
import type { FromTracedProcess, TracedProcessOptions } from './traced-proxy.ts';
import { LOG_PATTERN } from './log-line.ts';
import { tracedBootstrap } from './traced-bootstrap.ts';

/** The line is awaited by a person. */
const FLUSH_MS = 20;
const DRAIN_MS = 1000;

function tell(message: FromTracedProcess): void {
  process.send?.(message);
}

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? '') as TracedProcessOptions;
  process.on('disconnect', () => process.exit(1));
  const { configFile, applicationLog, accessLog } = options;
  const source = { text: readConfigFile(configFile), file: configFile };
  const bootstrap = tracedBootstrap(loadBootstrap(source, { checks: CONFIG_CHECKS }), accessLog);
  configureLogging({ format: LOG_PATTERN, path: applicationLog, thread: String(threadId() || process.pid) });
  setLogLevels(Object.fromEntries(COMPONENTS.map((name) => [name, 'trace'])));
  const server = new Server({
    bootstrap,
    configPath: configFile,
    configYaml: '',
    concurrency: 1,
    socketInterface: 'auto',
    logLevel: 'trace',
    componentLevels: {},
    logFormat: LOG_PATTERN,
    logPath: applicationLog,
    drainTimeMs: DRAIN_MS,
    drainStrategy: 'immediate',
    parentShutdownMs: DRAIN_MS,
    fileFlushIntervalMs: FLUSH_MS,
    baseId: 0,
    serviceNode: '',
    serviceCluster: '',
    onLive: ({ listeners }) => tell({ kind: 'live', ports: listeners.map(({ port }) => port) }),
  });
  await server.run();
}

let code = 0;
try {
  await main();
} catch (error) {
  tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  code = 1;
}
process.exit(code);
