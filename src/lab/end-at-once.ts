/** While a lab runs, a signal or the end of this process ends what the lab has started, whatever it waits for. */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** As a shell counts a death by SIGINT. */
const EXIT_INTERRUPTED = 130;

/** `end` must not wait: it is the last that happens here. */
export async function endingAtOnce<T>(end: () => void, work: () => Promise<T>): Promise<T> {
  const onSignal = (): void => {
    end();
    process.exit(EXIT_INTERRUPTED);
  };
  for (const signal of SIGNALS) process.once(signal, onSignal);
  process.once('exit', end);
  try {
    return await work();
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.off('exit', end);
  }
}
