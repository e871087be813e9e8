/**
 * The peers of the parts `pairing` and `streams` as one thing: services that answer with nonces, the load that checks them, the proxy
 * between. Everything ends with `stop`.
 */
import type { Soak } from './part.ts';
import { SoakChild } from './child.ts';
import type { Message } from './child.ts';
import type { NonceCounts, NonceLoadOptions } from './load/nonce-load.ts';
import type { NonceServiceOptions } from './load/nonce-service.ts';
import { SoakProxy } from './soak-proxy.ts';
import type { JsonObject } from './http-config.ts';

export interface ServiceCounts {
  readonly requests: number;
  readonly connections: number;
  /** Requests whose body belonged to another head. */
  readonly confused: number;
}

export interface NonceTrafficOptions {
  readonly natures: readonly NonceServiceOptions['nature'][];
  readonly wrongEvery: number;
  readonly concurrency: number;
  readonly nodeArgs?: readonly string[];
  readonly load: Pick<NonceLoadOptions, 'connections' | 'pipeline' | 'paths'>;
  bootstrap(ports: readonly number[]): JsonObject;
}

export class NonceTraffic {
  readonly proxy: SoakProxy;
  readonly #services: readonly SoakChild[];
  readonly #load: SoakChild;

  private constructor(proxy: SoakProxy, services: readonly SoakChild[], load: SoakChild) {
    this.proxy = proxy;
    this.#services = services;
    this.#load = load;
  }

  static async start(soak: Soak, options: NonceTrafficOptions): Promise<NonceTraffic> {
    const { cores, signal, progress } = soak.bench;
    const children: SoakChild[] = [];
    let proxy: SoakProxy | null = null;
    const child = async <T extends Message>(
      file: string,
      childOptions: NonceServiceOptions | NonceLoadOptions,
    ): Promise<T> => {
      const module = new URL(`./load/${file}`, import.meta.url);
      const [started, ready] = await SoakChild.start<T>({
        module,
        options: childOptions,
        core: cores.other,
        signal,
        onMessage: (message) => progress.step(`${String((message as { sent?: number }).sent)} requests sent`),
      });
      children.push(started);
      return ready;
    };
    try {
      const ports: number[] = [];
      for (const [index, nature] of options.natures.entries()) {
        const service: NonceServiceOptions = {
          seed: soak.seed * 1000 + index,
          nature,
          wrongEvery: options.wrongEvery,
        };
        ports.push((await child<Message & { port: number }>('nonce-service.ts', service)).port);
      }
      const { folder } = soak;
      const { concurrency, nodeArgs = [] } = options;
      const bootstrap = options.bootstrap(ports);
      proxy = await SoakProxy.start({ folder, bootstrap, concurrency, nodeArgs, core: cores.proxy });
      await child('nonce-load.ts', { ...options.load, port: proxy.port, seed: soak.seed });
      const load = children.pop();
      if (load === undefined) throw new Error('no load');
      return new NonceTraffic(proxy, children, load);
    } catch (error) {
      await proxy?.stop();
      await Promise.all(children.map((each) => each.stop()));
      throw error;
    }
  }

  /** Sends that many more; counts are of all so far. */
  async send(more: number): Promise<NonceCounts> {
    const message = { kind: 'send', more };
    const { counts } = await this.#load.ask<Message & { counts: NonceCounts }>(message, 'done');
    return counts;
  }

  /** Of all services together. */
  async served(): Promise<ServiceCounts> {
    const sum = { requests: 0, connections: 0, confused: 0 };
    for (const service of this.#services) {
      const one = await service.ask<Message & ServiceCounts>({ kind: 'count' }, 'counted');
      sum.requests += one.requests;
      sum.connections += one.connections;
      sum.confused += one.confused;
    }
    return sum;
  }

  /** Clients first, then the proxy, whose log is whole afterwards. */
  async stop(): Promise<void> {
    await this.#load.stop();
    await this.proxy.stop();
    await Promise.all(this.#services.map((each) => each.stop()));
  }
}

/** Requests that are still somewhere in the proxy, from its gauges, once they have had time to end. */
export async function liveRequests(proxy: SoakProxy): Promise<ReadonlyMap<string, number>> {
  const names = [
    'http.soak.downstream_rq_active',
    'cluster.service.upstream_rq_active',
    'cluster.service.upstream_rq_pending_active',
  ];
  const stats = await proxy.stats();
  return new Map(names.map((name) => [name, stats.get(name) ?? 0]));
}
