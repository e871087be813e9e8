/**
 * Rounds as they would have been had the core been equally crowded in all of them (`harness/core-probe.ts`).
 *
 *   ln CPU of a round = contender's own + slope * crowding of the round + chance
 *
 * The slope is one for all contenders of a case, by least squares over all their rounds (analysis of covariance); each round is then
 * moved along it to the mean crowding. Chance is not taken out, nor is anything that the probe does not feel, such as neighbours in
 * the cache.
 */
import { cpuOf } from './figures.ts';
import type { Outcome, Round } from './rounds.ts';

interface Point {
  readonly crowding: number;
  readonly cost: number;
}

/** Rounds without a crowding stay as they are. */
export function levelled(outcomes: readonly Outcome[]): Outcome[] {
  const groups = outcomes.map(({ rounds }) => rounds.flatMap(pointOf));
  const slope = commonSlope(groups);
  const level = meanOf(groups.flat().map(({ crowding }) => crowding));
  return outcomes.map((outcome) => ({
    ...outcome,
    rounds: outcome.rounds.map((round) => (round === null ? null : moved(round, slope, level))),
  }));
}

function pointOf(round: Round | null): Point[] {
  if (round === null || round.crowding === null) return [];
  const cost = Math.log(cpuOf(round));
  return Number.isFinite(cost) ? [{ crowding: round.crowding, cost }] : [];
}

/** 0 where nothing varies, or where a crowded core would have to be the quicker one: that is chance. */
function commonSlope(groups: readonly (readonly Point[])[]): number {
  let [products, squares] = [0, 0];
  for (const points of groups) {
    const crowding = meanOf(points.map((point) => point.crowding));
    const cost = meanOf(points.map((point) => point.cost));
    for (const point of points) {
      products += (point.crowding - crowding) * (point.cost - cost);
      squares += (point.crowding - crowding) ** 2;
    }
  }
  return squares === 0 ? 0 : Math.max(0, products / squares);
}

function moved(round: Round, slope: number, level: number): Round {
  if (round.crowding === null) return round;
  const factor = Math.exp(slope * (level - round.crowding));
  return { ...round, user: round.user * factor, system: round.system * factor };
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
