/**
 * How requests that a client sends to a service come to a proxy that they do not name. Contract of the three kinds: rules of
 * iptables (`iptables.ts`: REDIRECT, TPROXY) and programs of the kernel (`bpf-interception.ts`).
 *
 *   client --(service's address)--> [outbound: proxy of its pod] --(pod's address)--> [inbound: proxy of the pod] --> service
 *
 * All are for the same processes: an interception is switched on for a load and off behind it, and leaves nothing that a load
 * without it could meet.
 */
import type { Endpoint } from '../topology/proxy-config.ts';

export interface Interception {
  /** As hosts begin that are asked for through it: each has routes and pools of its own, for a connection is intercepted as it opens. */
  readonly name: string;
  /** @throws where the system refuses; nothing of it is on then. */
  on(): void;
  off(): void;
  /** Off for good: lets go of what it holds in the kernel. */
  close(): void;
}

/** One pair of pods. */
export interface InterceptedPods {
  /** Names of the network namespaces. */
  readonly client: string;
  readonly server: string;
  /** Address of the service, which nobody has. */
  readonly virtual: Endpoint;
  readonly service: Endpoint;
  /** Of the two proxies, at their pods' addresses. */
  readonly outbound: Endpoint;
  readonly inbound: Endpoint;
}

/** Group of the proxies' processes, whose own connections are not intercepted: Istio's number. */
export const PROXY_GROUP = 1337;
