/** Labs of limits that refuse. */
import { checkLabs } from './diagnosed.ts';

checkLabs(['limits']);
