/**
 * HAProxy with one thread. Its log lines go to a file as its standard output, one system call each: it has no batches of its own
 * for files.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../harness/programs.ts';
import { versionOf } from '../harness/set-up.ts';
import type { Command, Contender, Place, Program } from './contender.ts';

export const HAPROXY_PROGRAM: Program = {
  name: 'haproxy',
  missing: () => (findProgram('haproxy') === undefined ? 'HAProxy is not installed' : undefined),
  version: () => versionOf('haproxy', ['-v']),
};

/** It takes two files for each connection, and the usual limit is 20,000. */
const MOST_CONNECTIONS = 9900;
const LOG_FORMAT =
  '[%tr] "%HM %HU %HV" %ST %tsc %U %B %Ta %Tr %Tc %CC "%[capture.req.hdr(0)]" "%[capture.req.hdr(1)]" "%ID" "%[capture.req.hdr(2)]" %si:%sp %rt %pid';

export const HAPROXY: Contender = {
  name: 'haproxy with log',
  program: HAPROXY_PROGRAM,
  configure: (place) =>
    command(place, 'http', {
      frontend: [
        'option forwardfor',
        'unique-id-format %[uuid()]',
        'unique-id-header x-request-id',
        'http-request capture req.hdr(x-forwarded-for) len 64',
        'http-request capture req.hdr(user-agent) len 128',
        'http-request capture req.hdr(host) len 128',
        `log-format '${LOG_FORMAT}'`,
      ],
      backend: ['http-reuse always'],
    }),
};

export const HAPROXY_TCP: Contender = {
  name: 'haproxy, tcp mode',
  program: HAPROXY_PROGRAM,
  configure: (place) => command(place, 'tcp', { frontend: [], backend: [] }),
};

function command(
  place: Place,
  mode: 'http' | 'tcp',
  { frontend, backend }: { frontend: readonly string[]; backend: readonly string[] },
): Command {
  const file = join(place.folder, `haproxy-${mode}.cfg`);
  const log = join(place.folder, `haproxy-${mode}.log`);
  const sections: [string, readonly string[]][] = [
    ['global', ['nbthread 1', `maxconn ${MOST_CONNECTIONS}`, 'log stdout format raw local0']],
    ['defaults', [`mode ${mode}`, 'timeout connect 5s', 'timeout client 60s', 'timeout server 60s']],
    [
      'frontend f',
      [
        `bind 127.0.0.1:${place.port} backlog 16384`,
        'default_backend b',
        ...(mode === 'http' ? ['log global'] : []),
        ...frontend,
      ],
    ],
    ['backend b', [...backend, `server s 127.0.0.1:${place.upstreamPort}`]],
  ];
  writeFileSync(file, text(sections));
  return {
    command: 'haproxy',
    args: ['-f', file],
    ...(mode === 'http' ? { stdout: log } : {}),
    logs: mode === 'http' ? [log] : [],
  };
}

function text(sections: readonly (readonly [string, readonly string[]])[]): string {
  return sections.map(([name, lines]) => `${name}\n${lines.map((line) => `  ${line}\n`).join('')}`).join('');
}
