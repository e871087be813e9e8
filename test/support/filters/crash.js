/** Kills the worker that a request with `x-crash` comes to: `timer` throws from a timer, `reject` leaves a rejection to nobody. */
export default function crash() {
  return {
    onRequest({ headers }) {
      const how = headers.get('x-crash');
      if (how === 'timer') {
        setTimeout(() => {
          throw new Error('crash on demand');
        }, 0);
      } else if (how === 'reject') void Promise.reject(new Error('crash on demand'));
      else if (how === 'exit') process.exit(7);
    },
  };
}
