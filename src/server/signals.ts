/**
 * Signals of the process. A handler on SIGUSR1 is also what keeps Node from opening its debugger on it (the flag `--disable-sigusr1`
 * would discard the signal, handler or not).
 */
export interface SignalActions {
  readonly end: (signal: string) => void;
  readonly reopenLogs: () => void;
}

/** Returns a function that takes the handlers away again. */
export function onSignals(actions: SignalActions): () => void {
  const end = (signal: NodeJS.Signals): void => actions.end(signal);
  const reopen = (): void => actions.reopenLogs();
  // As Envoy: a terminal that goes away does not stop a proxy.
  const ignore = (): void => undefined;
  const handlers: readonly [NodeJS.Signals, (signal: NodeJS.Signals) => void][] = [
    ['SIGTERM', end],
    ['SIGINT', end],
    ['SIGUSR1', reopen],
    ['SIGHUP', ignore],
  ];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
