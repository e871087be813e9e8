/**
 * The access logs of one filter (connection manager, tcp_proxy, router): made once per configuration and worker.
 *
 *   stream closed -> log(context) -> each logger: filter? -> format -> sink -> file thread
 *
 * `needs` is the union of what the formats print: what none prints is not recorded on the request's path.
 */
import type { AccessLog } from '../../api/envoy.ts';
import type { AccessLogs, LineSink, LogContext, ObservationNeeds } from '../../api/observe.ts';
import { NO_NEEDS, unionOfNeeds } from '../../observe/format/operator.ts';
import type { LineFormat } from '../../observe/format/text-format.ts';
import { LineWriter } from '../../observe/line-writer.ts';
import type { LogDestination } from './access-log-extension.ts';
import { FILE_ACCESS_LOG, fileAccessLog } from './file.ts';
import { compileLogFilter, type LogFilter } from './log-filters.ts';
import { STDERR_ACCESS_LOG, stderrAccessLog } from './stderr.ts';
import { STDOUT_ACCESS_LOG, stdoutAccessLog } from './stdout.ts';

interface Logger {
  readonly filter: LogFilter | null;
  readonly format: LineFormat;
  readonly sink: LineSink;
}

/** One for the thread: a line is made in one go. */
const LINE = new LineWriter();

class ConfiguredLogs implements AccessLogs {
  readonly needs: ObservationNeeds;
  readonly empty: boolean;
  readonly #loggers: readonly Logger[];

  constructor(loggers: readonly Logger[]) {
    this.#loggers = loggers;
    this.empty = loggers.length === 0;
    this.needs = loggers.reduce((needs, { format }) => unionOfNeeds(needs, format.needs), NO_NEEDS);
  }

  log(context: LogContext): void {
    for (const { filter, format, sink } of this.#loggers) {
      if (filter !== null && !filter(context)) continue;
      LINE.begin();
      format.write(context, LINE);
      sink.writeLine(LINE);
    }
  }
}

/** Throws an error that names the entry and what is wrong with it. `openSink` is called once per entry. */
export function createAccessLogs(
  configs: readonly AccessLog[],
  openSink: (path: string) => LineSink,
): AccessLogs {
  const loggers = configs.map((config, index): Logger => {
    try {
      const { path, format } = destinationOf(config);
      const filter = config.filter === undefined ? null : compileLogFilter(config.filter);
      return { filter, format, sink: openSink(path) };
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`access_log[${index}]: ${text}`, { cause: error });
    }
  });
  return new ConfiguredLogs(loggers);
}

/** Null, or what is wrong with the entry: for checking a configuration before it is used. */
export function checkAccessLog(config: AccessLog): string | null {
  try {
    destinationOf(config);
    if (config.filter !== undefined) compileLogFilter(config.filter);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function destinationOf(config: AccessLog): LogDestination {
  const typed = config.typed_config;
  if (typed === undefined) throw new Error('typed_config is missing');
  switch (typed['@type']) {
    case FILE_ACCESS_LOG:
      return fileAccessLog(typed);
    case STDOUT_ACCESS_LOG:
      return stdoutAccessLog(typed);
    case STDERR_ACCESS_LOG:
      return stderrAccessLog(typed);
    default:
      throw new Error(`${typed['@type']} is no access logger that nodeproxy supports`);
  }
}
