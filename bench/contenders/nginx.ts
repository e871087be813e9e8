/**
 * nginx with one worker: as an HTTP proxy with a log of the content of nodeproxy's, as a TCP proxy where its stream module is
 * there, and as the upstream of all contenders.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../harness/programs.ts';
import { versionOf } from '../harness/set-up.ts';
import type { Command, Contender, Place, Program } from './contender.ts';

export const NGINX_PROGRAM: Program = {
  name: 'nginx',
  missing: () => (findProgram('nginx') === undefined ? 'nginx is not installed' : undefined),
  version: () => versionOf('nginx', ['-v']),
};

/** Idle upstream connections: as many as the largest case has at once. */
const POOL = 8192;
const FOREVER = 'keepalive_requests 1000000000;';
const LOG_FORMAT =
  `'[$time_iso8601] "$request" $status $request_length $bytes_sent $request_time $upstream_response_time '\n` +
  `  '$upstream_connect_time "$http_x_forwarded_for" "$http_user_agent" "$request_id" "$host" "$upstream_addr" $connection $pid'`;

export const NGINX: Contender = {
  name: 'nginx with log',
  program: NGINX_PROGRAM,
  configure(place) {
    const log = join(place.folder, 'nginx.log');
    const file = writeConfig(
      'nginx',
      place,
      `http {
  ${temporary(place)}
  log_format bench ${LOG_FORMAT};
  access_log ${log} bench buffer=64k flush=1s;
  ${FOREVER}
  # An answer that the client takes slowly waits in the upstream, not in a file.
  proxy_max_temp_file_size 0;
  upstream u { server 127.0.0.1:${place.upstreamPort}; keepalive ${POOL}; ${FOREVER} }
  server {
    listen 127.0.0.1:${place.port} backlog=16384;
    location / {
      proxy_pass http://u;
      proxy_http_version 1.1;
      proxy_set_header connection "";
      proxy_set_header x-forwarded-for $proxy_add_x_forwarded_for;
      proxy_set_header x-request-id $request_id;
    }
  }
}`,
    );
    return command(file, [log]);
  },
};

export const NGINX_STREAM: Contender = {
  name: 'nginx, stream',
  program: {
    ...NGINX_PROGRAM,
    missing: () =>
      NGINX_PROGRAM.missing() ??
      (streamModule() === undefined ? 'nginx has no stream module here' : undefined),
  },
  configure(place) {
    const file = writeConfig(
      'nginx-stream',
      place,
      `stream {
  server {
    listen 127.0.0.1:${place.port} backlog=16384;
    proxy_pass 127.0.0.1:${place.upstreamPort};
  }
}`,
      streamModule() ?? '',
    );
    return command(file, []);
  },
};

/** Answers by itself: `/` small, `/1m` 1 MiB from the page cache. A body sent to it is read and dropped. */
export function nginxUpstream(folder: string): Contender {
  return {
    name: 'upstream',
    program: NGINX_PROGRAM,
    configure(place) {
      const file = writeConfig(
        'upstream',
        place,
        `http {
  ${temporary(place)}
  access_log off;
  ${FOREVER}
  server {
    listen 127.0.0.1:${place.port} backlog=16384;
    location / { return 200 "hello world\\n"; }
    location /1m { root ${folder}; }
  }
}`,
      );
      return command(file, []);
    },
  };
}

/** Line that loads the stream module, '' where it is built in; `undefined` where there is none. */
export function streamModule(built = buildOptions()): string | undefined {
  if (/--with-stream(?:\s|$)/.test(built)) return '';
  const folder = /--modules-path=(\S+)/.exec(built)?.[1] ?? '';
  const file = join(folder, 'ngx_stream_module.so');
  return /--with-stream=dynamic/.test(built) && existsSync(file) ? `load_module ${file};` : undefined;
}

function buildOptions(): string {
  try {
    return execFileSync('sh', ['-c', 'nginx -V 2>&1'], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

function writeConfig(name: string, place: Place, body: string, head = ''): string {
  const file = join(place.folder, `${name}.conf`);
  // As root its worker would become another user, who may not read the folder of the run.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const lines = [head, user, 'worker_processes 1;', 'worker_rlimit_nofile 65536;', 'daemon off;'];
  lines.push(`pid ${file}.pid;`, `error_log stderr crit;`, 'events { worker_connections 60000; }', body);
  writeFileSync(file, `${lines.filter((line) => line !== '').join('\n')}\n`);
  return file;
}

function temporary(place: Place): string {
  const folder = join(place.folder, 'nginx-temporary');
  mkdirSync(folder, { recursive: true });
  return ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
    .join('\n  ');
}

function command(file: string, logs: readonly string[]): Command {
  // The errors before it has read its configuration go to standard error as well.
  return { command: 'nginx', args: ['-e', 'stderr', '-c', file], measureChildren: true, logs };
}
