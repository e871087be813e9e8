/** All scenarios, in the order in which they are listed. */
import type { Scenario } from '../scenario.ts';
import { COST } from './cost.ts';
import { DIRECTIONS } from './directions.ts';
import { INSTRUMENTATION } from './instrumentation.ts';
import { INTERCEPTION } from './interception.ts';
import { MEMORY } from './memory.ts';
import { PEERS_SCENARIO } from './peers.ts';
import { THREADS } from './threads.ts';
import { TOPOLOGY } from './topology.ts';
import { SOAK } from './soak.ts';
import { TUNING } from './tuning.ts';

export const SCENARIOS: readonly Scenario[] = [
  TOPOLOGY,
  INTERCEPTION,
  COST,
  INSTRUMENTATION,
  DIRECTIONS,
  PEERS_SCENARIO,
  MEMORY,
  THREADS,
  TUNING,
  SOAK,
];
