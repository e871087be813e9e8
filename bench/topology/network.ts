/**
 * Where the processes of a run live: two nodes and their pods, each with an address of its own.
 *
 *   node 1: its proxy, client pods c1 c2 …          node 2: its proxy, server pods s1 s2 …
 *        |____________________ link ____________________|
 *
 * As network namespaces (`namespaces.ts`) or, without root, as addresses of the loopback (`loopback.ts`): there a process must bind
 * its own address to come from it. The last two parts of an address are the same in both: node, then pod.
 */
import { UsageError } from '../../src/cli/option.ts';
import { loopbackNetwork } from './loopback.ts';
import { NamespaceNetwork, whyNoNamespaces } from './namespaces.ts';

export type NetworkKind = 'namespaces' | 'loopback';

export interface Place {
  readonly name: string;
  readonly address: string;
  /** A command that starts with these runs in this place. */
  readonly command: readonly string[];
}

export interface ServerPlace extends Place {
  /** Address of node 2 that stands for this pod: its proxy knows by it whom a connection is for. */
  readonly nodeAddress: string;
}

export interface Ports {
  readonly service: number;
  /** Of proxies, for what the pods send and for what comes to them. */
  readonly outbound: number;
  readonly inbound: number;
  /** Of the delay relay, one for each address behind it. */
  readonly relay: readonly number[];
}

export interface Network {
  readonly kind: NetworkKind;
  readonly clients: readonly Place[];
  readonly servers: readonly ServerPlace[];
  readonly nodes: readonly [Place, Place];
  readonly ports: Ports;
  /** What node 2's proxy listens on to be reached at all addresses that stand for pods. */
  readonly nodeListens: readonly string[];
  /** Removes it, and the processes that are still in its namespaces. Once. */
  close(): void;
}

/** Most pods of a node: addresses are numbered in steps of a hundred. */
export const MOST_PODS = 80;
export const NODE_HOST = 1;
export const POD_HOST = 10;
export const STAND_IN_HOST = 110;

export interface NetworkOptions {
  readonly kind: NetworkKind | 'auto';
  /** Of each node. */
  readonly pods: number;
  /** Says what was removed and what is not possible. */
  readonly note: (text: string) => void;
}

/** @throws UsageError where namespaces are asked for and cannot be had. */
export async function openNetwork({ kind, pods, note }: NetworkOptions): Promise<Network> {
  if (kind === 'loopback') return loopbackNetwork(pods);
  const reason = whyNoNamespaces();
  if (reason === null) return NamespaceNetwork.open(pods, note);
  if (kind === 'namespaces') throw new UsageError(`no network namespaces: ${reason}`);
  note(`no network namespaces (${reason}): pods are addresses of the loopback`);
  return loopbackNetwork(pods);
}

/** The places of a network whose addresses begin with `prefix`. */
export function placesOf(
  prefix: string,
  pods: number,
  commandOf: (name: string) => readonly string[],
): Pick<Network, 'clients' | 'servers' | 'nodes'> {
  const place = (name: string, node: number, host: number): Place => ({
    name,
    address: `${prefix}.${node}.${host}`,
    command: commandOf(name),
  });
  const numbers = Array.from({ length: pods }, (_, index) => index + 1);
  return {
    clients: numbers.map((pod) => place(`c${pod}`, 1, POD_HOST + pod)),
    servers: numbers.map((pod) => ({
      ...place(`s${pod}`, 2, POD_HOST + pod),
      nodeAddress: `${prefix}.2.${STAND_IN_HOST + pod}`,
    })),
    nodes: [place('n1', 1, NODE_HOST), place('n2', 2, NODE_HOST)],
  };
}

/** What may stand behind a relay: each server's service, sidecar and stand-in. */
export function relayPorts(pods: number): number {
  return pods * 3;
}
