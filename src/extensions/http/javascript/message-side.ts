/**
 * One message (request or response) as a script holds it up: whether it runs, whether it wants the body, where that comes from.
 *
 * The filter's three decode or encode methods ask this object what to return. Invariant: the promise of `body()` settles once,
 * or never if the stream ends first; nobody but the script waits for it.
 */
import type { ByteQueue, Bytes } from '../../../api/bytes.ts';
import type {
  FilterDataStatus,
  FilterHeadersStatus,
  FilterTrailersStatus,
  HeaderMap,
} from '../../../api/http.ts';
import { copyOf, lengthOf } from '../../../buffer/bytes.ts';
import { ScriptError } from './script.ts';

/** How the message's side of the filter callbacks looks from here. */
export interface MessageDoor {
  /** Body kept so far. */
  readonly buffer: ByteQueue | null;
  readonly limit: number;
  /** More body than the limit was asked for. */
  refuse(): void;
}

type Phase = 'idle' | 'running' | 'over';

interface BodyWait {
  readonly resolve: (body: Buffer) => void;
  readonly reject: (error: Error) => void;
}

export class MessageSide {
  trailers: HeaderMap | null = null;
  readonly #door: MessageDoor;
  #phase: Phase = 'idle';
  #complete = false;
  #wait: BodyWait | null = null;
  #body: Promise<Buffer> | null = null;

  constructor(door: MessageDoor) {
    this.#door = door;
  }

  get running(): boolean {
    return this.#phase === 'running';
  }

  /** The script waits for the rest of the body. */
  get waiting(): boolean {
    return this.#wait !== null;
  }

  /** The script's function begins; `complete`: the message has no body. */
  begin(complete: boolean): void {
    this.#phase = 'running';
    this.#complete = complete;
  }

  /** It has returned, or its promise has settled. */
  end(): void {
    this.#phase = 'over';
    this.#wait?.reject(new ScriptError('the script has returned'));
    this.#wait = null;
  }

  /** The stream is gone: whoever waits for the body waits for ever. */
  destroy(): void {
    this.#phase = 'over';
    this.#wait = null;
  }

  /** For the head: the filters behind wait while the promise is open. */
  headersStatus(): FilterHeadersStatus {
    return this.running ? 'stop' : 'continue';
  }

  data(bytes: Bytes, endStream: boolean): FilterDataStatus {
    if (!this.running) return 'continue';
    if (endStream) this.#arrived(bytes);
    // Without a wish for the body its source is slowed down; with one it is bounded.
    return this.#body === null ? 'stop-and-watermark' : 'stop-and-buffer';
  }

  trailersStatus(trailers: HeaderMap): FilterTrailersStatus {
    this.trailers = trailers;
    if (!this.running) return 'continue';
    this.#arrived(null);
    return 'stop';
  }

  body(): Promise<Buffer> {
    if (this.#body !== null) return this.#body;
    const body = this.running
      ? this.#ask()
      : Promise.reject(new ScriptError('the body can be asked for only while the function runs'));
    // A script that does not wait for it is no reason to end the worker.
    body.catch(() => undefined);
    this.#body = body;
    return body;
  }

  #ask(): Promise<Buffer> {
    if (this.#complete) return Promise.resolve(this.#kept(null));
    const { buffer, limit } = this.#door;
    if (limit !== 0 && buffer !== null && buffer.length > limit) {
      this.#door.refuse();
      return new Promise(() => undefined);
    }
    return new Promise((resolve, reject) => {
      this.#wait = { resolve, reject };
    });
  }

  /** `last` is not in the buffer yet; it will be when this call has returned. */
  #arrived(last: Bytes | null): void {
    this.#complete = true;
    const wait = this.#wait;
    this.#wait = null;
    if (wait !== null) wait.resolve(this.#kept(last));
  }

  #kept(last: Bytes | null): Buffer {
    const parts: Buffer[] = [];
    const { buffer } = this.#door;
    const count = buffer?.count ?? 0;
    for (let index = 0; index < count; index += 1) {
      if (buffer !== null) parts.push(copyOf(buffer.at(index)));
    }
    if (last !== null && lengthOf(last) > 0) parts.push(copyOf(last));
    return Buffer.concat(parts);
  }
}
