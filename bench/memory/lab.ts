/** What every part of the memory benchmark needs: the configurations, made once, the pods, and the start of a proxy of the built one. */
import { join } from 'node:path';
import { delay } from '../../src/base/clock.ts';
import { TELLS_THREAD, writeMesh } from '../harness/mesh.ts';
import { MeshPods } from '../harness/mesh-pods.ts';
import { MeshProxy } from '../harness/mesh-proxy.ts';
import type { BenchRun } from '../scenario.ts';

export const ENDPOINTS = 2;
const START_LIMIT_MS = 120_000;
const SLICE_MS = 100;

export class MemoryLab {
  readonly bench: BenchRun;
  readonly #pods: MeshPods;
  readonly #files = new Map<number, Promise<string>>();
  readonly #running = new Set<MeshProxy>();
  #started = 0;

  private constructor(bench: BenchRun, pods: MeshPods) {
    this.bench = bench;
    this.#pods = pods;
  }

  static async open(bench: BenchRun): Promise<MemoryLab> {
    return new MemoryLab(bench, await MeshPods.listen());
  }

  /** @throws ProxyStartError */
  async start(services: number, concurrency: number): Promise<MeshProxy> {
    const { folder, cores, signal } = this.bench;
    this.#started += 1;
    const proxy = await MeshProxy.start({
      name: `proxy-${this.#started}`,
      folder,
      configFile: await this.#file(services),
      concurrency,
      cores: cores.all,
      mostStartMs: START_LIMIT_MS,
      signal,
    });
    this.#running.add(proxy);
    return proxy;
  }

  async stop(proxy: MeshProxy): Promise<void> {
    this.#running.delete(proxy);
    await proxy.stop();
  }

  async stopAll(): Promise<void> {
    await Promise.all(Array.from(this.#running, (proxy) => this.stop(proxy)));
  }

  async close(): Promise<void> {
    await this.stopAll();
    await this.#pods.close();
  }

  /** @throws the signal's reason, soon after it. */
  async rest(seconds: number): Promise<void> {
    for (let left = seconds * 1000; left > 0; left -= SLICE_MS) {
      this.bench.signal.throwIfAborted();
      await delay(Math.min(SLICE_MS, left));
    }
  }

  #file(services: number): Promise<string> {
    const known = this.#files.get(services);
    if (known !== undefined) return known;
    const file = join(this.bench.folder, `mesh-${services}.json`);
    const mesh = { services, endpoints: ENDPOINTS, podPort: this.#pods.port, port: 0 };
    const made = writeMesh(file, { ...mesh, routeConfig: TELLS_THREAD }).then(() => file);
    this.#files.set(services, made);
    return made;
  }
}
