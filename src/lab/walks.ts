/** All walks, in the order of the course (`labs/README.md`). */
import type { Walk } from './walk.ts';
import { SLOTS } from './walks/slots.ts';
import { START_UP } from './walks/start-up.ts';

export const WALKS: readonly Walk[] = [START_UP, SLOTS];
