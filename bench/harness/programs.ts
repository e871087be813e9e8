/**
 * Which programs this machine has, and ports that nothing listens on. A contender that is not installed is left out and named;
 * it never fails a run.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

/** Path of an executable on the `PATH`, or of the file that `name` itself names; `undefined` where there is none. */
export function findProgram(name: string, path = process.env['PATH'] ?? ''): string | undefined {
  if (name === '') return undefined;
  if (isAbsolute(name) || name.includes('/')) return isProgram(name) ? resolve(name) : undefined;
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** `taskset` in front of a command, where the machine has it; without it the scheduler chooses, and the report says so. */
export function pinnedTo(cores: number | readonly number[]): string[] {
  return findProgram('taskset') === undefined ? [] : ['taskset', '-c', [cores].flat().join(',')];
}

/** Was free when asked for: who starts something there looks whether it came up. */
export function freePort(address = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, address, () => {
      const at = server.address();
      const port = typeof at === 'object' && at !== null ? at.port : 0;
      server.close(() => resolve(port));
    });
  });
}
