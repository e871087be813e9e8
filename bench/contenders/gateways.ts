/**
 * What a Node developer would take: a package of a reverse proxy in a server of a few lines (`bench/peers/gateways/`), one process.
 * Each does the work of the other contenders with the means of its package.
 */
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contender, Program } from './contender.ts';

const FOLDER = fileURLToPath(new URL('../peers/gateways/', import.meta.url));

export const HTTP_PROXY_3 = gateway('http-proxy-3', 'http-proxy-3');
export const FASTIFY_HTTP_PROXY = gateway('@fastify/http-proxy', 'fastify-http-proxy');
export const FAST_PROXY = gateway('fast-proxy', 'fast-proxy');

function gateway(packageName: string, file: string): Contender {
  return {
    name: packageName,
    program: packageProgram(packageName),
    configure({ folder, port, upstreamPort }) {
      const log = join(folder, `${file}.log`);
      const given = JSON.stringify({ port, upstream: `127.0.0.1:${upstreamPort}`, log });
      return { command: process.execPath, args: [join(FOLDER, `${file}.js`), given], logs: [log] };
    },
  };
}

export function packageProgram(name: string): Program {
  return {
    name,
    missing: () => (packageFile(name) === undefined ? `the package ${name} is not installed` : undefined),
    version() {
      const file = packageFile(name);
      if (file === undefined) return undefined;
      return (JSON.parse(readFileSync(file, 'utf8')) as { version?: string }).version;
    },
  };
}

function packageFile(name: string): string | undefined {
  try {
    return findPackageJSON(name, import.meta.url);
  } catch {
    return undefined;
  }
}
