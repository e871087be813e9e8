/**
 * How traffic is spread over priorities when hosts are unhealthy: a pure function of counts, computed once per snapshot.
 *
 * A priority can take `1.4 × healthy / total` of the traffic, at most all of it (overprovisioning: a few lost hosts do not yet
 * push traffic away). What the first cannot take goes to the next; degraded hosts come after all healthy ones. If all together
 * cannot take everything, a priority whose share of usable hosts is below the panic threshold uses all of its hosts, usable or
 * not: then it is likelier that the health information is wrong than that so many hosts are.
 */
export interface LevelCounts {
  readonly total: number;
  readonly healthy: number;
  readonly degraded: number;
}

/** Percentages, one entry per priority; healthy and degraded together add up to 100. */
export interface PriorityLoad {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
  readonly panic: readonly boolean[];
}

/** Percent; `ClusterLoadAssignment.Policy.overprovisioning_factor`. */
export const OVERPROVISIONING_PERCENT = 140;
export const PANIC_THRESHOLD_PERCENT = 50;

export function priorityLoad(
  levels: readonly LevelCounts[],
  overprovisioning: number,
  panicThreshold: number,
): PriorityLoad {
  const healthy = levels.map((level) => availability(level.healthy, level.total, overprovisioning));
  const degraded = levels.map((level) => availability(level.degraded, level.total, overprovisioning));
  const available = Math.min(100, sum(healthy) + sum(degraded));
  if (available === 0 && panicThreshold === 0) {
    return { healthy: firstTakesAll(levels), degraded: levels.map(() => 0), panic: levels.map(() => false) };
  }
  const panic = levels.map((level) => available < 100 && isBelow(level, panicThreshold));
  if (panic.every(Boolean)) return totalPanic(levels, panic);
  const healthyLoad: number[] = [];
  const degradedLoad: number[] = [];
  let left = spread(healthy, 100, available, healthyLoad);
  left = spread(degraded, left, available, degradedLoad);
  // Integer division leaves a few percent over.
  if (!giveToFirst(healthyLoad, left)) giveToFirst(degradedLoad, left);
  return { healthy: healthyLoad, degraded: degradedLoad, panic };
}

function availability(usable: number, total: number, overprovisioning: number): number {
  return total === 0 ? 0 : Math.min(100, Math.floor((overprovisioning * usable) / total));
}

function isBelow(level: LevelCounts, threshold: number): boolean {
  const usable = level.total === 0 ? 0 : (100 * (level.healthy + level.degraded)) / level.total;
  return usable < threshold;
}

/** Returns what is left of `load`. */
function spread(availability: readonly number[], load: number, available: number, into: number[]): number {
  let left = load;
  for (const percent of availability) {
    const share = available === 0 ? 0 : Math.min(left, Math.floor((percent * 100) / available));
    into.push(share);
    left -= share;
  }
  return left;
}

/** Nobody is known to be well: by number of hosts. */
function totalPanic(levels: readonly LevelCounts[], panic: readonly boolean[]): PriorityLoad {
  const total = sum(levels.map((level) => level.total));
  const healthy = levels.map((level) => (total === 0 ? 0 : Math.floor((100 * level.total) / total)));
  const left = 100 - sum(healthy);
  if (!giveToFirst(healthy, left)) healthy[0] = 100;
  return { healthy, degraded: levels.map(() => 0), panic };
}

function giveToFirst(loads: number[], amount: number): boolean {
  const index = loads.findIndex((load) => load > 0);
  if (index < 0) return false;
  loads[index] = (loads[index] ?? 0) + amount;
  return true;
}

function firstTakesAll(levels: readonly LevelCounts[]): number[] {
  return levels.map((_, index) => (index === 0 ? 100 : 0));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
