/** The relay of a run's link: its process on node 1, with a port for each address of node 2 that is asked for from there. */
import { fileURLToPath } from 'node:url';
import { Child } from './child-process.ts';
import { cpuSecondsOf } from './cpu.ts';
import type { RelayRoute } from './delay-relay.ts';
import type { Place } from './network.ts';
import type { Endpoint } from './proxy-config.ts';

const PROGRAM = fileURLToPath(new URL('./delay-relay-process.ts', import.meta.url));

export interface LinkRelayOptions {
  readonly place: Place;
  /** One for each target at least. */
  readonly ports: readonly number[];
  readonly targets: readonly Endpoint[];
  readonly delayMs: number;
  readonly cores: readonly number[];
  readonly signal: AbortSignal;
}

export class LinkRelay {
  readonly #child: Child;
  readonly #routes: readonly RelayRoute[];

  private constructor(child: Child, routes: readonly RelayRoute[]) {
    this.#child = child;
    this.#routes = routes;
  }

  static async start({
    place,
    ports,
    targets,
    delayMs,
    cores,
    signal,
  }: LinkRelayOptions): Promise<LinkRelay> {
    const routes = targets.map((target, index) => ({
      listen: { address: place.address, port: ports[index] ?? 0 },
      target,
    }));
    const flag = '--disable-warning=ExperimentalWarning';
    const command = [process.execPath, flag, PROGRAM, JSON.stringify({ delayMs, routes })];
    const child = new Child({ name: 'link relay', place, cores, command, signal });
    try {
      const listening = (): boolean =>
        routes.every(({ listen: { address, port } }) => child.listens(address, port));
      await child.until(listening, signal);
      return new LinkRelay(child, routes);
    } catch (error) {
      await child.stop();
      throw error;
    }
  }

  /** Where to connect to, to reach the target over the link. */
  frontOf({ address, port }: Endpoint): Endpoint {
    const route = this.#routes.find(({ target }) => target.address === address && target.port === port);
    if (route === undefined) throw new Error(`the link has no way to ${address}:${port}`);
    return route.listen;
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.#child.pid);
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}
