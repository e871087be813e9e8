/** All scenarios, in the order in which they are listed. */
import type { Scenario } from '../scenario.ts';
import { COST } from './cost.ts';
import { MEMORY } from './memory.ts';
import { THREADS } from './threads.ts';
import { SOAK } from './soak.ts';

export const SCENARIOS: readonly Scenario[] = [COST, MEMORY, THREADS, SOAK];
