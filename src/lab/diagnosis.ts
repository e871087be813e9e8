/** The diagnosis of a lab's log: the command that the reader has, in a process of its own. */
import { execFile } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Report } from '../diagnose/report.ts';

const BIN = fileURLToPath(new URL('../../bin/nodeproxy.js', import.meta.url));
const FROM_SOURCE = extname(fileURLToPath(import.meta.url)) === '.ts';
/** Findings quote whole lines. */
const MOST_BYTES = 64 * 1024 * 1024;
const run = promisify(execFile);

export async function diagnoseLog(file: string): Promise<Report> {
  const { stdout } = await run(process.execPath, [BIN, 'logs', 'diagnose', '--json', file], {
    env: FROM_SOURCE ? { ...process.env, NODEPROXY_SOURCE: '1' } : process.env,
    maxBuffer: MOST_BYTES,
  });
  return JSON.parse(stdout) as Report;
}
