/** The Lua script of the talk, line by line: it stands still for `x-delay` seconds, as `os.execute("sleep")` does, and says what it does. */
export default function delay() {
  return {
    onRequest(handle) {
      const seconds = handle.headers.get('x-delay');
      handle.log('warn', 'get request');
      if (seconds === null) return;
      handle.log('warn', `Delaying request for ${seconds} seconds`);
      handle.log('warn', 'Adding delay header to response');
      handle.headers.add('x-delayed-response', seconds);
      if (Number.isNaN(Number(seconds))) return;
      handle.log('warn', `Sleeping for ${seconds} seconds`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(seconds) * 1000);
    },
  };
}
