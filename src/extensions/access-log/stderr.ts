/**
 * `envoy.access_loggers.stderr`: lines to the process's standard stream.
 *
 * It has a thread like any other file: lines of all workers go out whole and in order, and a full pipe stalls no worker.
 */
import type { StderrAccessLog } from '../../api/envoy.ts';
import type { LogDestination } from './access-log-extension.ts';
import { compileLogFormat } from './log-format.ts';

export const STDERR_ACCESS_LOG = 'envoy.extensions.access_loggers.stream.v3.StderrAccessLog';

export function stderrAccessLog(config: StderrAccessLog): LogDestination {
  return { path: '/dev/stderr', format: compileLogFormat(config.log_format) };
}
