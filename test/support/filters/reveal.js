/** Puts what a filter can know of its connection into headers of the response. */
export default function reveal() {
  return {
    onResponse(handle) {
      const { connection } = handle;
      for (const [name, value] of Object.entries(connection)) handle.headers.set(`x-${name}`, String(value));
    },
  };
}
