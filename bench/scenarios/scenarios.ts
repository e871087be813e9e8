/** All scenarios, in the order in which they are listed. */
import type { Scenario } from '../scenario.ts';

export const SCENARIOS: readonly Scenario[] = [];
