/**
 * Broken invariants crash: the worker dies, main logs why, starts another and goes on serving.
 *
 * Only for what cannot happen if our own code is right. What a peer, a user or the kernel can cause is a value, never this.
 */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Makes a `switch` over a union exhaustive at compile time. */
export function unreachable(value: never): never {
  throw new InvariantError(`unexpected value ${String(value)}`);
}
