/**
 * Everything that runs during a topology benchmark, started once and shared by all its contenders:
 *
 *   client pods    open loop, closed loop, a sidecar each      server pods   a service and a sidecar each
 *   node 1         a proxy for all client pods, the relay      node 2        a proxy for all server pods
 *
 * A way through it is a pair of fronts, so direct, sidecar, node proxy and every mixture use the same processes; those that are on no
 * way of the moment stand idle.
 */
import { join } from 'node:path';
import { DIAGNOSTIC_FORMAT } from '../../src/observe/format/instrumented-format.ts';
import { AutocannonClient } from '../harness/autocannon.ts';
import { OpenLoopClient } from '../harness/open-loop.ts';
import type { Interception } from '../interception/interception.ts';
import { PROXY_GROUP } from '../interception/interception.ts';
import type { Network, Place } from './network.ts';
import { FRONTS } from './proxy-config.ts';
import type { Destination, Endpoint, Front, PodChain, Policy } from './proxy-config.ts';
import { LinkRelay } from './link-relay.ts';
import { Service } from './service.ts';
import type { ServiceKind } from './service.ts';
import { TopologyProxy } from './topology-proxy.ts';

export interface Way {
  /** What a client's requests meet first, and what stands in front of the service. */
  readonly client: Front;
  readonly server: Front;
  /** On while requests take this way, which then go to the service's address; absent: they are sent to the proxies themselves. */
  readonly interception?: Interception;
}

export interface FleetOptions {
  readonly network: Network;
  readonly folder: string;
  readonly service: ServiceKind;
  readonly concurrency: number;
  /** One way; 0: no relay. */
  readonly linkDelayMs: number;
  readonly proxyCores: readonly number[];
  readonly otherCores: readonly number[];
  /** By the pod's name. */
  readonly policies?: ReadonlyMap<string, Policy>;
  /** Absent: all, `plain` among them anyway. */
  readonly fronts?: readonly Front[];
  /** Of a proxy to a cluster; absent: as many as there are requests. */
  readonly upstreamConnections?: number;
  /** Absent: none will be. */
  readonly intercepted?: Intercepted;
  readonly signal: AbortSignal;
}

/** Sidecars to which requests are brought that do not name them: they take what comes on any address, and are told by their group. */
export interface Intercepted {
  /** Of the interceptions; each has a host, so pools of its own. */
  readonly names: readonly string[];
  /** Where the services seem to be, by pod. */
  readonly virtual: readonly Endpoint[];
  /** Of the sidecars' listeners: TPROXY is among the interceptions. */
  readonly transparent: boolean;
}

export interface Side {
  readonly sidecars: readonly TopologyProxy[];
  /** @throws where the fleet has none. */
  readonly node: TopologyProxy;
}

const ANYWHERE = '0.0.0.0';

/** Microseconds everywhere: a slow request is told from a slower one. */
const LOG_FORMAT = DIAGNOSTIC_FORMAT.replaceAll(/%((?:DOWN|UP)STREAM_(?:READ|WRITE)_DURATION)%/g, '%$1(us)%');

export class Fleet {
  readonly network: Network;
  readonly services: Service[] = [];
  readonly openLoops: OpenLoopClient[] = [];
  readonly closedLoops: AutocannonClient[] = [];
  readonly #options: FleetOptions;
  readonly #proxies = new Map<string, TopologyProxy>();
  #relay: LinkRelay | null = null;

  private constructor(options: FleetOptions) {
    this.#options = options;
    this.network = options.network;
  }

  /** @throws where something does not start; nothing of it runs then. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options);
    try {
      await fleet.#start();
    } catch (error) {
      await fleet.stop();
      throw error;
    }
    return fleet;
  }

  /** Of the pods of node 1 or of node 2. */
  side(node: 1 | 2): Side {
    const { clients, servers } = this.network;
    const pods = node === 1 ? clients : servers;
    const proxy = (name: string): TopologyProxy => this.#proxy(name);
    return {
      sidecars: pods.map(({ name }) => proxy(`sidecar-${name}`)),
      get node() {
        return proxy(`node-${node}`);
      },
    };
  }

  /** The proxies on a way: first those that clients meet. */
  proxiesOf({ client, server }: Way): readonly [readonly TopologyProxy[], readonly TopologyProxy[]] {
    return [this.#proxiesAt(1, client), this.#proxiesAt(2, server)];
  }

  get proxies(): readonly TopologyProxy[] {
    return [...this.#proxies.values()];
  }

  relayCpuSeconds(): number {
    return this.#relay?.cpuSeconds() ?? 0;
  }

  /** Where the `pod`-th client (from 0) sends its requests, and what host it asks for. */
  targetOf({ client, server, interception }: Way, pod: number): Destination {
    const { clients, nodes, ports } = this.network;
    const virtual = this.#options.intercepted?.virtual[pod];
    if (interception !== undefined && virtual !== undefined)
      return { host: hostOf(interception.name, pod), ...virtual };
    const destination = this.#destination(server, pod);
    const place = client === 'plain' ? undefined : client === 'sidecar' ? clients[pod] : nodes[0];
    return place === undefined
      ? destination
      : { host: destination.host, address: place.address, port: ports.outbound };
  }

  /** Address to send from: in a namespace of its own a client has no other. */
  sourceOf(pod: number): { from?: string } {
    const { kind, clients } = this.network;
    const address = clients[pod]?.address;
    return kind === 'namespaces' || address === undefined ? {} : { from: address };
  }

  async stop(): Promise<void> {
    const all = [...this.openLoops, ...this.closedLoops, ...this.proxies, ...this.services];
    await Promise.all([...all, ...(this.#relay === null ? [] : [this.#relay])].map((each) => each.stop()));
  }

  get #fronts(): readonly Front[] {
    return this.#options.fronts ?? FRONTS;
  }

  get #interceptions(): readonly string[] {
    return this.#options.intercepted?.names ?? [];
  }

  #proxy(name: string): TopologyProxy {
    const proxy = this.#proxies.get(name);
    if (proxy === undefined) throw new Error(`there is no proxy ${name}`);
    return proxy;
  }

  #proxiesAt(node: 1 | 2, front: Front): readonly TopologyProxy[] {
    if (front === 'plain') return [];
    const side = this.side(node);
    return front === 'sidecar' ? side.sidecars : [side.node];
  }

  async #start(): Promise<void> {
    const { network, folder, service, otherCores, signal, linkDelayMs } = this.#options;
    const { clients, servers, ports } = network;
    for (const place of servers) {
      const options = { kind: service, place, port: ports.service, folder, cores: otherCores, signal };
      this.services.push(await Service.start(options));
    }
    if (linkDelayMs > 0) await this.#startRelay();
    const [one, two] = network.nodes;
    const outbound = clients.map((pod) => this.#outbound(pod, true));
    const inbound = servers.map((pod) => this.#inbound(pod, true));
    // All of them are waited for, so that none is still starting when what failed is cleaned up.
    const started = await Promise.allSettled([
      ...clients.map((pod) => this.#startProxy(`sidecar-${pod.name}`, pod, [this.#outbound(pod, false)])),
      ...servers.map((pod) => this.#startProxy(`sidecar-${pod.name}`, pod, [this.#inbound(pod, false)])),
      ...(this.#fronts.includes('nodeproxy')
        ? [this.#startProxy('node-1', one, outbound), this.#startProxy('node-2', two, inbound)]
        : []),
    ]);
    const failed = started.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
    for (const { name, command } of clients) {
      const prefix = ['taskset', '-c', otherCores.join(','), ...command];
      this.openLoops.push(new OpenLoopClient(`open loop of ${name}`, prefix));
      this.closedLoops.push(new AutocannonClient(`closed loop of ${name}`, prefix));
    }
  }

  /** Outbound proxies listen on their own address, inbound ones on the pod's or on all that stand for pods. */
  async #startProxy(name: string, place: Place, chains: readonly PodChain[]): Promise<void> {
    const { network, folder, concurrency, proxyCores: cores, signal, intercepted } = this.#options;
    const { upstreamConnections } = this.#options;
    const inbound = chains.some(({ direction }) => direction === 'inbound');
    const own = [intercepted === undefined ? place.address : ANYWHERE];
    const addresses = name === 'node-2' ? network.nodeListens : own;
    const port = inbound ? network.ports.inbound : network.ports.outbound;
    const listens = addresses.map((address) => ({ address, port }));
    const options = {
      name,
      place: intercepted === undefined ? place : inProxyGroup(place),
      listens,
      transparent: intercepted?.transparent ?? false,
      chains,
      folder,
      logFormat: LOG_FORMAT,
      concurrency,
      cores,
      signal,
      ...(upstreamConnections === undefined ? {} : { upstreamConnections }),
    };
    this.#proxies.set(name, await TopologyProxy.start(options));
  }

  #outbound({ name, address }: Place, shared: boolean): PodChain {
    const destinations = this.network.servers.flatMap((_, pod) => [
      ...this.#fronts.map((front) => this.#destination(front, pod)),
      // To the service itself: what stands in front of it is a matter of the interception.
      ...this.#interceptions.map((each) => ({ ...this.#destination('plain', pod), host: hostOf(each, pod) })),
    ]);
    return this.#chain(name, 'outbound', destinations, shared ? address : undefined);
  }

  #inbound(pod: Network['servers'][number], shared: boolean): PodChain {
    const service = { address: pod.address, port: this.network.ports.service };
    const number = this.network.servers.indexOf(pod);
    const hosts = [...this.#interceptions.map((each) => hostOf(each, number)), '*'];
    const destinations = hosts.map((host) => ({ host, ...service }));
    return this.#chain(pod.name, 'inbound', destinations, shared ? pod.nodeAddress : undefined);
  }

  #chain(
    pod: string,
    direction: PodChain['direction'],
    destinations: readonly Destination[],
    match: string | undefined,
  ): PodChain {
    const { folder, policies } = this.#options;
    const policy = policies?.get(pod);
    const kind = match === undefined ? 'sidecar' : 'node';
    return {
      pod,
      direction,
      logFile: join(folder, `${kind}-${pod}.log`),
      destinations,
      ...(match === undefined ? {} : { match }),
      ...(policy === undefined ? {} : { policy }),
    };
  }

  /** As seen from node 1. */
  #destination(front: Front, pod: number): Destination {
    const behind = this.#endpoint(front, pod);
    const host = `${front}.s${pod + 1}`;
    return { host, ...(this.#relay === null ? behind : this.#relay.frontOf(behind)) };
  }

  #endpoint(front: Front, pod: number): Endpoint {
    const { servers, ports } = this.network;
    const server = servers[pod];
    if (server === undefined) throw new RangeError(`there is no server pod ${pod}`);
    if (front === 'plain') return { address: server.address, port: ports.service };
    if (front === 'sidecar') return { address: server.address, port: ports.inbound };
    return { address: server.nodeAddress, port: ports.inbound };
  }

  async #startRelay(): Promise<void> {
    const { network, linkDelayMs: delayMs, otherCores: cores, signal } = this.#options;
    const targets = network.servers.flatMap((_, pod) =>
      this.#fronts.map((front) => this.#endpoint(front, pod)),
    );
    const { relay: ports } = network.ports;
    this.#relay = await LinkRelay.start({ place: network.nodes[0], ports, targets, delayMs, cores, signal });
  }
}

/** Asked for by requests that come by an interception. */
function hostOf(interception: string, pod: number): string {
  return `${interception}.s${pod + 1}`;
}

function inProxyGroup(place: Place): Place {
  const group = ['setpriv', '--regid', String(PROXY_GROUP), '--clear-groups'];
  return { ...place, command: [...place.command, ...group] };
}
