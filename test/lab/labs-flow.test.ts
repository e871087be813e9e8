/** Labs of flow control, in both directions. */
import { checkLabs } from './diagnosed.ts';

checkLabs(['flow control']);
