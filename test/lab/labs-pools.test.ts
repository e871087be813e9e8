/** Labs of the connections to upstreams. */
import { checkLabs } from './diagnosed.ts';

checkLabs(['pools']);
