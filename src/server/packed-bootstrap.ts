/**
 * The bootstrap as it was loaded, for `/config_dump`. A mesh of 50,000 services is some 150 MB of objects, which nobody needs once they
 * are published: then they are packed, and unpacked for each dump.
 *
 * Packing takes the resources out of the bootstrap that was given, because whoever loaded it holds it for as long as the server runs.
 */
import { promisify } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { constants, deflate, inflateSync } from 'node:zlib';
import type { Bootstrap } from '../api/envoy.ts';

const deflated = promisify(deflate);

export class PackedBootstrap {
  readonly #loaded: Bootstrap;
  #packed: Buffer | null = null;

  constructor(loaded: Bootstrap) {
    this.#loaded = loaded;
  }

  /** A copy once it is packed. */
  get(): Bootstrap {
    return this.#packed === null ? this.#loaded : (deserialize(inflateSync(this.#packed)) as Bootstrap);
  }

  /** The compression runs beside the main thread. */
  async pack(): Promise<void> {
    if (this.#packed !== null) return;
    this.#packed = await deflated(serialize(this.#loaded), { level: constants.Z_BEST_SPEED });
    const { static_resources: _, ...rest } = this.#loaded;
    Object.assign(this.#loaded, detached(rest), { static_resources: {} });
  }
}

/** A copy whose texts are its own: those of a tree that was read are slices, and each keeps the whole text that it was read from. */
export function detached<T>(tree: T): T {
  return deserialize(serialize(tree)) as T;
}
