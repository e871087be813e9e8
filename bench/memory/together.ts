/**
 * Many proxies of one configuration at once, and what they hold together.
 *
 * Two processes of one program share its pages. On one machine that is told by PSS: `own` pages of each, and the shared ones once.
 * Proxies on different nodes share nothing, so a sum over nodes takes the shared pages once per node.
 */
import type { MeshProxy } from '../harness/mesh-proxy.ts';
import { residentOf } from './resident.ts';
import type { Resident } from './resident.ts';

export interface Together {
  readonly processes: number;
  /** Sum of PSS. */
  readonly pss: number;
  /** Mean of the pages that a process has for itself. */
  readonly ownEach: number;
  /** Pages that all of them share: the most that one of them maps. */
  readonly shared: number;
}

export function measureTogether(proxies: readonly MeshProxy[]): Together {
  return sumUp(proxies.map(({ pid }) => residentOf(pid)));
}

export function sumUp(list: readonly Resident[]): Together {
  const sum = (of: (each: Resident) => number): number => list.reduce((total, each) => total + of(each), 0);
  return {
    processes: list.length,
    pss: sum(({ pss }) => pss),
    ownEach: sum(({ own }) => own) / list.length,
    shared: Math.max(...list.map(({ rss, own }) => rss - own)),
  };
}

/** PSS of `count` such processes on one machine, from those that ran: each further one costs its own pages alone. */
export function onOneMachine(sample: Together, count: number): number {
  return sample.pss + (count - sample.processes) * sample.ownEach;
}

/** Of `count` such processes on `nodes` machines. */
export function onNodes(sample: Together, count: number, nodes: number): number {
  return count * sample.ownEach + nodes * sample.shared;
}

/** Least-squares slope of y over x. */
export function slope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const mean = (of: (point: { x: number; y: number }) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  const above = points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0);
  const below = points.reduce((sum, point) => sum + (point.x - x) ** 2, 0);
  return above / below;
}
