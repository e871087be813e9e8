/** The service of a server pod: nginx where it is installed, the project's demo service else, in a process of its own. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { versionOf } from '../harness/set-up.ts';
import { Child } from './child-process.ts';
import { cpuSecondsOf, familyOf } from './cpu.ts';
import type { Place } from './network.ts';

export type ServiceKind = 'nginx' | 'demo';

const DEMO = fileURLToPath(new URL('./demo-process.ts', import.meta.url));
/** Its child is told by the kernel when the benchmark is gone: nginx does not read a pipe. */
const SETPRIV = '/usr/bin/setpriv';

export interface ServiceOptions {
  readonly kind: ServiceKind;
  readonly place: Place;
  readonly port: number;
  readonly folder: string;
  readonly cores: readonly number[];
  readonly signal: AbortSignal;
}

/** `undefined`: not installed. */
export function nginxVersion(): string | undefined {
  return versionOf('nginx', ['-v']);
}

export class Service {
  readonly name: string;
  readonly #child: Child;

  private constructor(child: Child) {
    this.name = child.name;
    this.#child = child;
  }

  static async start(options: ServiceOptions): Promise<Service> {
    const { kind, place, port, cores, signal } = options;
    const command =
      kind === 'nginx'
        ? nginxCommand(options)
        : [process.execPath, '--disable-warning=ExperimentalWarning', DEMO, place.address, String(port)];
    const child = new Child({ name: `${kind} of ${place.name}`, place, cores, command, signal });
    try {
      await child.until(() => child.listens(place.address, port), signal);
      return new Service(child);
    } catch (error) {
      await child.stop();
      throw error;
    }
  }

  cpuSeconds(): number {
    return familyOf(this.#child.pid).reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}

/** Its answer is as long as the demo service's, from memory. */
function nginxCommand({ place, port, folder }: ServiceOptions): string[] {
  const own = join(folder, `nginx-${place.name}`);
  mkdirSync(own, { recursive: true });
  const file = join(own, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `  ${kind}_temp_path ${join(own, kind)};`,
  );
  // As root its worker would become another user, who may not read the folder of the run.
  const user = process.getuid?.() === 0 ? ['user root;'] : [];
  const lines = [
    ...user,
    'worker_processes 1;',
    'worker_rlimit_nofile 16384;',
    'daemon off;',
    `pid ${join(own, 'pid')};`,
    `error_log ${join(own, 'error.log')};`,
    'events { worker_connections 8192; }',
    'http {',
    '  access_log off;',
    '  keepalive_requests 1000000000;',
    '  keepalive_timeout 1h;',
    ...temporary,
    '  server {',
    `    listen ${place.address}:${port} backlog=4096;`,
    String.raw`    location / { return 200 "Hello world\n"; }`,
    '  }',
    '}',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const guard = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'TERM'] : [];
  return [...guard, 'nginx', '-c', file, '-e', join(own, 'error.log')];
}
