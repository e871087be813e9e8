/** `nodeproxy logs …`: everything that reads access logs. */
import type { Command, CommandGroup } from './command.ts';

export const LOGS: CommandGroup = {
  name: 'logs',
  summary: 'Read access logs: diagnose, show, threads, errors, find, interfaces, capture',
  async load(): Promise<readonly Command[]> {
    const { LOGS_DIAGNOSE } = await import('./logs-diagnose.ts');
    const { LOGS_SHOW } = await import('./logs-show.ts');
    const { LOGS_THREADS } = await import('./logs-threads.ts');
    const { LOGS_ERRORS } = await import('./logs-errors.ts');
    const { LOGS_FIND } = await import('./logs-find.ts');
    const { LOGS_INTERFACES } = await import('./logs-interfaces.ts');
    const { LOGS_CAPTURE } = await import('./logs-capture.ts');
    return [LOGS_DIAGNOSE, LOGS_SHOW, LOGS_THREADS, LOGS_ERRORS, LOGS_FIND, LOGS_INTERFACES, LOGS_CAPTURE];
  },
};
