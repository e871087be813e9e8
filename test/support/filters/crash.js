import { invariant } from '../../../src/base/invariant.ts';

/**
 * Kills the worker that a request with `x-crash` comes to: `timer` has the proxy's own code throw from a timer, `reject` has it leave a
 * rejection to nobody. (What a script throws by itself ends no worker.)
 */
export default function crash() {
  return {
    onRequest({ headers }) {
      const how = headers.get('x-crash');
      if (how === 'timer') setTimeout(invariant, 0, false, 'crash on demand');
      else if (how === 'reject') void Promise.resolve().then(() => invariant(false, 'crash on demand'));
      else if (how === 'exit') process.exit(7);
    },
  };
}
