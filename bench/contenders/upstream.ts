/**
 * The service behind all contenders: nginx answering by itself, or, where that is not installed, a Node server. `/` answers 12
 * bytes, `/1m` 1 MiB; a body sent to it is read and dropped.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contender } from './contender.ts';
import { nginxUpstream, NGINX_PROGRAM } from './nginx.ts';

const SERVER = fileURLToPath(new URL('./upstream-server.js', import.meta.url));
const DOWNLOAD_BYTES = 1024 * 1024;

export interface Upstream {
  readonly contender: Contender;
  /** Said where it is not what it should be. */
  readonly note?: string;
}

export function chooseUpstream(folder: string, nginxMissing = NGINX_PROGRAM.missing()): Upstream {
  if (nginxMissing !== undefined)
    return {
      contender: NODE_UPSTREAM,
      note: `${nginxMissing}: the upstream is a Node server, which limits throughput`,
    };
  const www = join(folder, 'www');
  mkdirSync(www, { recursive: true });
  writeFileSync(join(www, '1m'), Buffer.alloc(DOWNLOAD_BYTES, 0x61));
  return { contender: nginxUpstream(www) };
}

const NODE_UPSTREAM: Contender = {
  name: 'upstream',
  program: { name: 'upstream', missing: () => undefined, version: () => undefined },
  configure: ({ port }) => ({ command: process.execPath, args: [SERVER, String(port)], logs: [] }),
};
