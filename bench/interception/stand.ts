/**
 * What an interception is measured on: two pods on two nodes, a sidecar each, and every interception that this machine has the means
 * for. Those that it has not are noted with the reason, never silently absent.
 *
 *   network -> control groups -> interceptions, each tried once -> fleet (its processes enter their groups as they start)
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { probeSyscalls } from '../../src/os/probe.ts';
import { BpfCalls, whyNoBpf } from '../harness/bpf/calls.ts';
import { findProgram } from '../harness/programs.ts';
import { Fleet } from '../topology/fleet.ts';
import type { FleetOptions } from '../topology/fleet.ts';
import { namespaceOf } from '../topology/namespaces.ts';
import { openNetwork } from '../topology/network.ts';
import type { Network, NetworkOptions } from '../topology/network.ts';
import { BpfInterception } from './bpf-interception.ts';
import type { InterceptedPods, Interception } from './interception.ts';
import { redirectInterception, tproxyInterception } from './iptables.ts';
import { PodCgroups } from './pod-cgroups.ts';

export interface StandOptions extends Omit<
  FleetOptions,
  'network' | 'intercepted' | 'fronts' | 'linkDelayMs'
> {
  readonly kind: NetworkOptions['kind'];
  readonly note: (text: string) => void;
}

/**
 * Envoy's default for a cluster. Every interception has pools of its own, which stay from round to round: with thousands of connections
 * in each a process would run out of descriptors.
 */
export const UPSTREAM_CONNECTIONS = 1024;

/** Where the service seems to be: an address of nobody's in no pod's network. */
const VIRTUAL = { address: '10.231.9.1', port: 80 };

export class Stand {
  readonly #network: Network;
  readonly #note: (text: string) => void;
  readonly #interceptions = new Map<string, Interception>();
  #groups: PodCgroups | null = null;
  #fleet: Fleet | null = null;

  private constructor(network: Network, note: (text: string) => void) {
    this.#network = network;
    this.#note = note;
  }

  /** @throws where the processes do not start; nothing is left then. */
  static async open({ kind, note, ...options }: StandOptions): Promise<Stand> {
    const stand = new Stand(await openNetwork({ kind, pods: 1, note }), note);
    try {
      await stand.#open(options);
      return stand;
    } catch (error) {
      await stand.close();
      throw error;
    }
  }

  get fleet(): Fleet {
    if (this.#fleet === null) throw new Error('the stand is closed');
    return this.#fleet;
  }

  /** `undefined`: it was left out, with a note. */
  interception(name: string): Interception | undefined {
    return this.#interceptions.get(name);
  }

  get sockmap(): BpfInterception | undefined {
    const sockmap = this.#interceptions.get('sockmap');
    return sockmap instanceof BpfInterception ? sockmap : undefined;
  }

  async close(): Promise<void> {
    try {
      await this.#fleet?.stop();
    } finally {
      this.#fleet = null;
      for (const each of this.#interceptions.values()) each.close();
      this.#interceptions.clear();
      this.#network.close();
      await this.#groups?.remove();
      this.#groups = null;
    }
  }

  async #open(options: Omit<StandOptions, 'kind' | 'note'>): Promise<void> {
    const network = this.#network;
    const why = whyNotIntercepted(network);
    if (why === null) this.#openInterceptions();
    else this.#note(`no interception (REDIRECT, TPROXY, eBPF, sockmap): ${why}`);
    const names = [...this.#interceptions.keys()];
    const folder = join(options.folder, 'fleet');
    mkdirSync(folder);
    this.#fleet = await Fleet.start({
      ...options,
      folder,
      network: this.#groups === null ? network : inGroups(network, this.#groups),
      fronts: ['plain', 'sidecar'],
      linkDelayMs: 0,
      upstreamConnections: UPSTREAM_CONNECTIONS,
      ...(why === null
        ? { intercepted: { names, virtual: [VIRTUAL], transparent: names.includes('tproxy') } }
        : {}),
    });
  }

  #openInterceptions(): void {
    const pods = podsOf(this.#network);
    this.#try('REDIRECT', () => redirectInterception(pods));
    const whyNotTransparent = probeSyscalls();
    if (whyNotTransparent === null) this.#try('TPROXY', () => tproxyInterception(pods));
    else this.#note(`no TPROXY: ${whyNotTransparent}`);
    const calls = this.#bpf();
    if (calls === null) return;
    for (const kind of ['ebpf', 'sockmap'] as const)
      this.#try(kind === 'ebpf' ? 'eBPF' : kind, () => {
        this.#groups ??= PodCgroups.make([...this.#network.clients, ...this.#network.servers]);
        return new BpfInterception(calls, this.#groups, podName(this.#network), pods, kind);
      });
  }

  #bpf(): BpfCalls | null {
    const why = whyNoBpf();
    if (why === null) return new BpfCalls();
    this.#note(`no eBPF, no sockmap: ${why}`);
    return null;
  }

  /** On and off once: what the kernel refuses is known before the first round. */
  #try(title: string, make: () => Interception): void {
    let made: Interception | null = null;
    try {
      made = make();
      made.on();
      made.off();
      this.#interceptions.set(made.name, made);
    } catch (error) {
      made?.close();
      const text = error instanceof Error ? error.message : String(error);
      this.#note(`no ${title}: ${text.trim().split('\n').slice(-2).join(' ')}`);
    }
  }
}

/** What all of them need. */
function whyNotIntercepted(network: Network): string | null {
  if (network.kind !== 'namespaces') return 'it needs network namespaces, and those need root';
  if (findProgram('setpriv') === undefined) return 'setpriv (util-linux) is not installed';
  return null;
}

function podsOf({ clients: [client], servers: [server], ports }: Network): InterceptedPods {
  if (client === undefined || server === undefined) throw new RangeError('a network without pods');
  return {
    client: namespaceOf(client),
    server: namespaceOf(server),
    virtual: VIRTUAL,
    service: { address: server.address, port: ports.service },
    outbound: { address: client.address, port: ports.outbound },
    inbound: { address: server.address, port: ports.inbound },
  };
}

function podName({ clients: [client] }: Network): string {
  return client?.name ?? '';
}

/** The same network; the pods' processes are in their control groups. */
function inGroups(network: Network, groups: PodCgroups): Network {
  const { kind, nodes, ports, nodeListens } = network;
  return {
    kind,
    nodes,
    ports,
    nodeListens,
    clients: network.clients.map((pod) => groups.enter(pod)),
    servers: network.servers.map((pod) => ({ ...pod, ...groups.enter(pod) })),
    close: () => network.close(),
  };
}
