/** What the tests of the javascript filter run: the path of the request chooses. */
export const seen = [];

const requests = {
  '/sync': (handle) => {
    handle.headers.set('X-Script', 'was here');
    handle.headers.remove('x-remove');
    handle.log('warn', 'hello from the script');
    handle.metadata.set('key', 42);
  },
  '/throw': () => {
    throw new Error('on purpose');
  },
  '/reject': async () => {
    await Promise.resolve();
    throw new Error('later on purpose');
  },
  '/body': async (handle) => {
    const body = await handle.body();
    handle.headers.set('x-length', String(body.length));
    handle.headers.set('x-body', body.toString());
  },
  '/respond': (handle) => handle.respond(403, { 'x-why': 'no' }, 'forbidden'),
  '/respond-later': async (handle) => {
    await Promise.resolve();
    handle.respond(401, {}, 'who are you');
  },
  '/never': () => new Promise(() => undefined),
  '/keep': (handle) => {
    seen.push(handle);
  },
  '/facts': (handle) => {
    seen.push({
      ...handle.connection,
      streamId: handle.streamId,
      method: handle.method,
      host: handle.authority,
    });
  },
  '/rewrite': (handle) => {
    handle.path = '/elsewhere';
  },
  '/smuggle': (handle) => handle.headers.set('x-a', 'b\r\nx-injected: 1'),
  '/break': (handle) => {
    const h = handle.headers;
    const tries = [
      () => (handle.path = '/a b'),
      () => (handle.method = 'GET /'),
      () => (handle.authority = ''),
      () => h.set(':protocol', 'websocket'),
      () => h.set(':status', 'abc'),
      () => h.remove(':path'),
      () => h.remove('Host'),
      () => h.set('no token', '1'),
      () => handle.respond(200, { ':status': '101' }),
      () => handle.respond(200, { 'no token': '1' }),
      () => handle.respond(200, { a: '\n' }),
      () => handle.respond(101),
    ];
    for (const [index, each] of tries.entries()) {
      try {
        each();
        seen.push(`taken: ${index}`);
      } catch (error) {
        seen.push(error.name);
      }
    }
  },
  '/careless-body': (handle) => {
    handle.body();
  },
  '/trailers': async (handle) => {
    await handle.body();
    seen.push(handle.trailers?.get('x-end'));
  },
  '/iterate': (handle) => {
    seen.push([...handle.headers].map(([name]) => name));
  },
};

export default function (config) {
  return {
    onFailure: config.onFailure,
    onRequest: (handle) => requests[handle.path]?.(handle),
    onResponse: config.response === undefined ? undefined : responses[config.response],
  };
}

const responses = {
  header: (handle) => {
    handle.headers.set('x-response', String(handle.status));
    handle.status = 202;
  },
  break: (handle) => {
    for (const status of ['', '101', '999', 'x']) {
      try {
        handle.headers.set(':status', status);
        seen.push('taken');
      } catch (error) {
        seen.push(error.name);
      }
    }
  },
  body: async (handle) => {
    const body = await handle.body();
    handle.headers.set('x-length', String(body.length));
  },
};
