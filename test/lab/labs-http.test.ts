/** Labs of filters and of the way of one request. */
import { checkLabs } from './diagnosed.ts';

checkLabs(['filters', 'HTTP flow']);
