/** Collects the garbage of its worker when a request with `x-collect` comes: what is left is what is held. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export default function collect() {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  return {
    onRequest({ headers }) {
      if (headers.get('x-collect') !== null) gc();
    },
  };
}
