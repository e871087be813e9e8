/** A proxy of a topology: the built `nodeproxy run` in its place, asked through its admin's socket in the file system. */
import { once } from 'node:events';
import { mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { residentOf } from '../memory/resident.ts';
import { Child } from './child-process.ts';
import { cpuSecondsOf } from './cpu.ts';
import type { Place } from './network.ts';
import { writeProxyConfig } from './proxy-config.ts';
import type { Endpoint, PodChain } from './proxy-config.ts';

const BIN = fileURLToPath(new URL('../../bin/nodeproxy.js', import.meta.url));
const END_WITH_PARENT = new URL('../soak/end-with-parent.js', import.meta.url).href;
/** Lines are in the files at the latest so long after their requests. */
export const FLUSH_MS = 100;

export interface TopologyProxyOptions {
  readonly name: string;
  readonly place: Place;
  readonly listens: readonly Endpoint[];
  readonly transparent: boolean;
  readonly upstreamConnections?: number;
  readonly chains: readonly PodChain[];
  readonly folder: string;
  readonly logFormat: string;
  readonly concurrency: number;
  readonly cores: readonly number[];
  readonly signal: AbortSignal;
}

export class TopologyProxy {
  readonly name: string;
  readonly chains: readonly PodChain[];
  readonly #child: Child;
  readonly #adminPath: string;

  private constructor(child: Child, { name, chains }: TopologyProxyOptions, adminPath: string) {
    this.name = name;
    this.chains = chains;
    this.#child = child;
    this.#adminPath = adminPath;
  }

  /** Resolves when all its workers accept; the process is gone where that fails. */
  static async start(options: TopologyProxyOptions): Promise<TopologyProxy> {
    const { name, place, cores, signal } = options;
    const folder = join(options.folder, name);
    mkdirSync(folder, { recursive: true });
    const [configFile, logFile, adminPath] = ['proxy.json', 'application.log', 'admin'].map((file) =>
      join(folder, file),
    ) as [string, string, string];
    writeProxyConfig(configFile, { ...options, adminPath });
    const command = [process.execPath, '--import', END_WITH_PARENT, BIN, 'run', '-c', configFile];
    command.push('--concurrency', String(options.concurrency), '--log-path', logFile);
    command.push('--file-flush-interval-msec', String(FLUSH_MS));
    const child = new Child({ name, place, cores, command, signal });
    try {
      const accepts = (): boolean => textOf(logFile).includes('all workers accept');
      await child.until(accepts, signal, () => textOf(logFile));
      return new TopologyProxy(child, options, adminPath);
    } catch (error) {
      await child.stop();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  get logFiles(): readonly string[] {
    return this.chains.map(({ logFile }) => logFile);
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.pid);
  }

  pssBytes(): number {
    return residentOf(this.pid).pss;
  }

  /** Counters and gauges by name; what was never touched is absent. */
  async stats(): Promise<ReadonlyMap<string, number>> {
    const { stats } = JSON.parse(await this.#ask('/stats?format=json')) as {
      stats: { name?: string; value?: number }[];
    };
    return new Map(
      stats.flatMap(({ name, value }) => (name === undefined ? [] : [[name, value ?? 0] as const])),
    );
  }

  /** The logs of a round, when they were read: their size must not grow with the length of the run. */
  emptyLogs(): void {
    for (const file of this.logFiles) truncateSync(file);
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }

  async #ask(path: string): Promise<string> {
    const asked = request({ socketPath: this.#adminPath, path, agent: false }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const body = await text(answer);
    if (answer.statusCode !== 200)
      throw new Error(`${this.name}: admin ${path}: status ${answer.statusCode}`);
    return body;
  }
}

/** '' while there is none. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
