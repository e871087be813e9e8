/**
 * What the talk measured: its comparison of sidecars with one proxy per node (Istio 1.8.4, 16 cores, 32 GB) and its memory without load
 * by size of the mesh (Istio 1.19). Figures of other proxies on another machine: they stand beside ours, no ratio is made of the two.
 */
export interface TalkScale {
  readonly pods: number;
  readonly services: number;
  /** GB, all of them together. */
  readonly sidecars: number;
  readonly nodeProxies: number;
  /** Per cent by which the total falls. */
  readonly reduction: number;
}

/** On four nodes. */
export const TALK_NODES = 4;

export const TALK_SCALES: readonly TalkScale[] = [
  { pods: 30, services: 200, sidecars: 1.2, nodeProxies: 0.32, reduction: 73 },
  { pods: 50, services: 200, sidecars: 2, nodeProxies: 0.32, reduction: 84 },
  { pods: 100, services: 200, sidecars: 4, nodeProxies: 0.32, reduction: 92 },
  { pods: 100, services: 500, sidecars: 8, nodeProxies: 0.76, reduction: 91 },
  { pods: 100, services: 1000, sidecars: 14, nodeProxies: 0.96, reduction: 93 },
  { pods: 100, services: 1500, sidecars: 18, nodeProxies: 1.2, reduction: 93 },
];

export interface TalkSize {
  readonly pods: number;
  readonly services: number;
  /** As the talk prints them. */
  readonly sidecar: string;
  readonly waypoint: string;
}

export const TALK_SIZES: readonly TalkSize[] = [
  { pods: 0, services: 0, sidecar: '56M', waypoint: '55M' },
  { pods: 200, services: 100, sidecar: '74M', waypoint: '78M' },
  { pods: 1000, services: 500, sidecar: '147M', waypoint: '157M' },
  { pods: 5000, services: 2500, sidecar: '514M', waypoint: '496M' },
  { pods: 25_000, services: 12_500, sidecar: '2.1G', waypoint: '1.3-1.8G, unstable' },
  { pods: 100_000, services: 50_000, sidecar: '7.6G', waypoint: 'unstable' },
];
