/**
 * One run of a lab: folder, service, proxy and clients come up, traffic runs, everything goes down again, and the log is whole.
 *
 * Whatever happens in between, nothing is left behind but the folder, and that only where it is wanted. `endAtOnce` is for signals.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterMs, SystemClock } from '../base/clock.ts';
import { configText, UNLOGGED } from './config-text.ts';
import type { Lab, LabRun, Service, Variant } from './lab.ts';
import { get, LabClient } from './lab-client.ts';
import { applicationLogFile, LabError, LabProxy } from './lab-proxy.ts';

/** A lab is over within seconds; one that hangs says so. */
const GUARD_MS = 60_000;
const WARM_UP_CLIENTS = 4;
const WARM_UP_REQUESTS = 25;

export interface LabResult {
  readonly configFile: string;
  readonly logFile: string;
  readonly lines: readonly string[];
  readonly applicationLines: readonly string[];
  readonly rounds: number;
}

export interface LabOptions {
  readonly variant: Variant;
  /** At least this long; 0: the lab's own number of rounds. */
  readonly seconds: number;
}

export class LabSession {
  readonly folder = mkdtempSync(join(tmpdir(), 'nodeproxy-lab-'));
  readonly #lab: Lab;
  readonly #variant: Variant;
  readonly #seconds: number;
  readonly #clients: LabClient[] = [];
  #proxy: LabProxy | null = null;

  constructor(lab: Lab, { variant, seconds }: LabOptions) {
    this.#lab = lab;
    this.#variant = variant;
    this.#seconds = seconds;
  }

  get logFile(): string {
    return join(this.folder, 'access.log');
  }

  /** Throws `LabError` when the proxy does not start or the traffic hangs. */
  async run(): Promise<LabResult> {
    const service = await this.#lab.startService(this.#variant);
    try {
      const configFile = this.#writeFiles(service);
      this.#proxy = await LabProxy.start({
        folder: this.folder,
        configFile,
        concurrency: this.#lab.concurrency,
        args: this.#lab.args ?? [],
      });
      const rounds = await within(GUARD_MS, this.#traffic(this.#proxy, service), this.#lab.name);
      // Only the clients' ends: a connection of the service that closes first would be one more event in the logs.
      for (const client of this.#clients) client.close();
      await this.#proxy.stop();
      return {
        configFile,
        logFile: this.logFile,
        lines: linesOf(this.logFile),
        applicationLines: linesOf(applicationLogFile(this.folder)),
        rounds,
      };
    } finally {
      for (const client of this.#clients) client.close();
      await this.#proxy?.stop();
      await service.stop();
    }
  }

  removeFolder(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** On the way out of the process: nothing can be awaited any more. */
  endAtOnce(): void {
    this.#proxy?.kill();
    this.removeFolder();
  }

  #writeFiles(service: Service): string {
    for (const [name, text] of Object.entries(this.#lab.files ?? {}))
      writeFileSync(join(this.folder, name), text);
    const file = join(this.folder, 'lab.yaml');
    const places = { logFile: this.logFile, servicePort: service.port };
    writeFileSync(file, configText(this.#lab.config(this.#variant), places));
    return file;
  }

  async #traffic(proxy: LabProxy, service: Service): Promise<number> {
    const run: LabRun = {
      variant: this.#variant,
      service,
      proxyPid: proxy.pid,
      client: async (from) => {
        const client = await LabClient.open(proxy.port, from);
        this.#clients.push(client);
        return client;
      },
    };
    await warmUp(run);
    const clock = new SystemClock();
    const until = clock.now() + this.#seconds * 1000;
    let round = 0;
    do {
      await this.#lab.traffic(run, round);
      round += 1;
    } while (this.#seconds > 0 ? clock.now() < until : round < this.#lab.rounds);
    return round;
  }
}

/** A new process compiles its code while it serves its first requests; that is not what a lab is about. */
async function warmUp(run: LabRun): Promise<void> {
  await Promise.all(
    Array.from({ length: WARM_UP_CLIENTS }, async () => {
      const client = await run.client();
      for (let request = 0; request < WARM_UP_REQUESTS; request += 1) await client.ask(get('/', UNLOGGED));
      client.close();
    }),
  );
}

function within<T>(ms: number, work: Promise<T>, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const guard = afterMs(ms, () => {
      reject(new LabError(`the traffic of ${what} did not end within ${ms / 1000} s`));
    });
    void work.then(resolve, reject).finally(() => clearTimeout(guard));
  });
}

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
