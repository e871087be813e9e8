/** Labs of the first part: who serves whom, and what a busy or a standing thread costs. */
import { checkLabs } from './diagnosed.ts';

checkLabs(['threads']);
