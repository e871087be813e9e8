/**
 * One container as a local process: the command line of its image and its service, nothing of this process's environment, its mounts
 * at paths of the host. As root it runs as the user that it has in its container. It ends with this process, however that one ends.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { END_WITH_PARENT } from '../../support/proxy.ts';
import { pause } from '../../support/raw-client.ts';
import type { Service } from './compose-file.ts';
import type { Image } from './image.ts';

/** Docker gives a container its start period and three intervals; nobody waits that long here. */
const HEALTHY_MS = 60_000;
const LOOK_EVERY_MS = 100;

/** Paths of the container become the host's, names addresses. */
export type Rewrite = (text: string) => string;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly ms: number;
}

export class Container {
  readonly service: Service;
  /** Everything it printed. */
  output = '';
  readonly #image: Image;
  readonly #rewrite: Rewrite;
  #child: ChildProcess | null = null;

  constructor(service: Service, image: Image, rewrite: Rewrite) {
    this.service = service;
    this.#image = image;
    this.#rewrite = rewrite;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  start(): void {
    const { command } = this.service;
    const [node, ...args] = [...this.#image.entrypoint, ...(command ?? this.#image.command)].map(
      this.#rewrite,
    );
    if (node !== 'node') throw new Error(`${this.service.name}: entry point ${node}`);
    const child = spawn(process.execPath, [...END_WITH_PARENT, ...args], {
      ...this.#place(),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.#child = child;
  }

  /** Asks its health check until it says yes. */
  async healthy(): Promise<void> {
    const { health, name } = this.service;
    if (health === null) throw new Error(`${name} has no health check`);
    const until = performance.now() + HEALTHY_MS;
    for (let said = await this.#check(health.test); said !== null; said = await this.#check(health.test)) {
      if (this.#ended()) throw new Error(`${name} ended:\n${this.output}`);
      if (performance.now() > until)
        throw new Error(`${name} did not become healthy: ${said}\n${this.output}`);
      await pause(Math.min(health.everyMs, LOOK_EVERY_MS));
    }
  }

  async exited(): Promise<number | null> {
    if (this.#child !== null && !this.#ended()) await once(this.#child, 'exit');
    return this.#child?.exitCode ?? null;
  }

  /** As `docker compose stop`, which kills after the grace period; here that is a failure. */
  async stop(): Promise<Ended> {
    const child = this.#child;
    if (child === null) throw new Error(`${this.service.name} was not started`);
    const begun = performance.now();
    if (!this.#ended()) {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), this.service.graceMs);
      await exit;
      clearTimeout(killer);
    }
    return { code: child.exitCode, signal: child.signalCode, ms: performance.now() - begun };
  }

  #ended(): boolean {
    return this.#child !== null && (this.#child.exitCode !== null || this.#child.signalCode !== null);
  }

  /** Null: healthy. */
  #check([node, ...args]: readonly string[]): Promise<string | null> {
    if (node !== 'node') throw new Error(`${this.service.name}: health check by ${node}`);
    return new Promise((resolve) => {
      execFile(process.execPath, args.map(this.#rewrite), this.#place(), (error, stdout, stderr) =>
        resolve(error === null ? null : `${stdout}${stderr}`),
      );
    });
  }

  #place(): { cwd: string; env: Record<string, string>; uid?: number; gid?: number } {
    const { environment, user } = this.service;
    const rewritten = Object.entries(environment).map(([key, value]) => [key, this.#rewrite(value)] as const);
    const [uid = 0, gid = 0] = (user ?? this.#image.user).split(':').map(Number);
    if (uid === 0) throw new Error(`${this.service.name} would run as root`);
    return {
      cwd: join(this.#image.root, this.#image.workdir),
      env: { PATH: dirname(process.execPath), ...this.#image.environment, ...Object.fromEntries(rewritten) },
      ...(process.getuid?.() === 0 ? { uid, gid } : {}),
    };
  }
}
