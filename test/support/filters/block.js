/** Stops the thread for `x-block` ms without a promise: the request goes on in the same event. */
export default function block() {
  return {
    onRequest({ headers }) {
      const end = performance.now() + Number(headers.get('x-block') ?? 0);
      while (performance.now() < end);
    },
  };
}
