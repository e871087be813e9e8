/**
 * The end of a container: SIGTERM from `docker compose stop`, SIGINT from a terminal. The first process of a container has no default
 * handlers, so without these it would be killed only when its grace period is over.
 */
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Resolves at the first of them; a second one ends the process. */
export function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of SIGNALS) process.once(signal, () => resolve());
  });
}
