/** `envoy.access_loggers.file`: lines into a file, written by the file's own thread. */
import type { FileAccessLog } from '../../api/envoy.ts';
import type { LogDestination } from './access-log-extension.ts';
import { compileFileFormat } from './log-format.ts';

export const FILE_ACCESS_LOG = 'envoy.extensions.access_loggers.file.v3.FileAccessLog';

export function fileAccessLog(config: FileAccessLog): LogDestination {
  if (config.path === undefined || config.path === '')
    throw new Error('path: a file access log needs a path');
  return { path: config.path, format: compileFileFormat(config) };
}
