/**
 * `envoy.access_loggers.stdout`: lines to the process's standard stream.
 *
 * It has a thread like any other file: lines of all workers go out whole and in order, and a full pipe stalls no worker.
 */
import type { StdoutAccessLog } from '../../api/envoy.ts';
import type { LogDestination } from './access-log-extension.ts';
import { compileLogFormat } from './log-format.ts';

export const STDOUT_ACCESS_LOG = 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog';

export function stdoutAccessLog(config: StdoutAccessLog): LogDestination {
  return { path: '/dev/stdout', format: compileLogFormat(config.log_format) };
}
