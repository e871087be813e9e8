import { connect } from 'node:net';

/** Goes wrong where no request waits for it, in the way that `x-stray` asks for. */
const ways = {
  timer: () =>
    setTimeout(() => {
      throw new Error('stray timer');
    }, 0),
  reject: () => void Promise.reject(new Error('stray rejection')),
  value: () => void Promise.reject('stray text'),
  /** No frame of anybody's: it comes from the runtime. */
  event: ({ headers }) => connect({ port: Number(headers.get('x-port')), host: '127.0.0.1' }),
  misuse: ({ headers }) => setTimeout(() => headers.set(':status', 'stray'), 0),
  text: ({ headers }) => setTimeout(() => headers.set('x-a', '\n'), 0),
  body: (handle) => setTimeout(() => void handle.body().then((body) => body.length), 80),
};

export default function stray() {
  return {
    async onRequest(handle) {
      ways[handle.headers.get('x-stray')]?.(handle);
      // Long enough for the handle to be alive when a timer uses it.
      if (handle.headers.has('x-wait')) await new Promise((resolve) => setTimeout(resolve, 50));
    },
  };
}
