/**
 * The delay filter of the talk, to see what a slow filter does to the others on its thread.
 *
 *   x-delay: 20        waits 20 ms: the worker serves other requests meanwhile      (`paused.delay` in the ledger)
 *   x-delay: busy:20   computes for 20 ms: everything else on this worker stands still  (`filter.delay`)
 *   x-delay: reply:418 answers by itself
 *
 * Send a busy request while a plain one waits for its upstream: the plain one's line shows the lost time as `loop`. One that
 * arrives meanwhile shows it in its first read: the bytes waited in the kernel (`[C12:R:<…>0,137,83]H`), its total begins later.
 */
export default function delay(config) {
  const header = config.header ?? 'x-delay';
  const maxMs = config.max_ms ?? 5000;

  return {
    async onRequest(handle) {
      const value = handle.headers.get(header);
      if (!value) return;
      handle.headers.remove(header);
      const [mode, amount] = value.includes(':') ? value.split(':', 2) : ['wait', value];
      const number = Number(amount);
      const valid = mode === 'reply' ? number >= 200 && number <= 599 : number >= 0;
      if (!valid) {
        handle.respond(400, { 'content-type': 'text/plain' }, `${header}: not understood: ${value}\n`);
      } else if (mode === 'reply') {
        handle.respond(
          number,
          { 'content-type': 'text/plain' },
          `replied by the filter of ${handle.connection.threadId}\n`,
        );
      } else if (mode === 'busy') {
        spin(Math.min(number, maxMs));
      } else {
        await new Promise((resolve) => {
          setTimeout(resolve, Math.min(number, maxMs));
        });
      }
    },

    onResponse(handle) {
      handle.headers.set('x-served-by-thread', String(handle.connection.threadId));
    },
  };
}

/** Keeps the thread busy, as a filter that computes too much does. */
function spin(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
