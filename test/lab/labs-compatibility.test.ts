/** Labs of messages that a proxy does not pass on as they are. */
import { checkLabs } from './diagnosed.ts';

checkLabs(['compatibility']);
