#!/usr/bin/env node
/**
 * The command `nodeproxy`: plain JavaScript, so that any Node can start it.
 *
 * The proxy needs Node 26. An older Node looks up the packaged binary of that version and hands over to it: by `execve` where it
 * has that (no second process, same pid), else as a child whose signals and exit status are passed on. Node 26 runs `dist/`, what
 * `npm ci` built, or with NODEPROXY_SOURCE=1 (and where nothing was built) the sources.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const NEEDED_MAJOR = 26;
/** Signals that a user or a supervisor sends to the process group's leader only. */
const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGQUIT'];

function packagedNode() {
  const require = createRequire(import.meta.url);
  for (const name of [`node-${process.platform}-${process.arch}`]) {
    try {
      return require.resolve(`${name}/bin/node`);
    } catch {
      // Not installed: another platform, or `npm ci --omit=optional`.
    }
  }
  return null;
}

function handOver(binary) {
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  if (typeof process.execve === 'function') {
    process.removeAllListeners('warning');
    process.execve(binary, [binary, ...args], process.env);
  }
  // A process group of its own: Ctrl-C would else reach the child twice, and the second time means hurry.
  const child = spawn(binary, args, { stdio: 'inherit', detached: true });
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`nodeproxy: cannot start ${binary}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    // Die of the same signal, so that the caller's wait status tells the truth.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100);
  });
}

async function main() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < NEEDED_MAJOR) {
    const binary = packagedNode();
    if (binary !== null) return handOver(binary);
    process.stderr.write(
      `nodeproxy: needs Node ${NEEDED_MAJOR}, this is ${process.version}, and the packaged one is not installed ` +
        `(node-${process.platform}-${process.arch}): run \`npm ci\` without --omit=optional, or use Node ${NEEDED_MAJOR}.\n`,
    );
    process.exitCode = 1;
    return;
  }
  const built = new URL('../dist/main.js', import.meta.url);
  const useBuilt = process.env.NODEPROXY_SOURCE !== '1' && existsSync(built);
  await import(useBuilt ? built.href : new URL('../src/main.ts', import.meta.url).href);
}

await main();
