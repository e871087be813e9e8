/**
 * The filter of one stream that runs a script's `onRequest` and `onResponse`.
 *
 * A synchronous function costs its own time. One that returns a promise stops the iteration; when it settles, the message goes
 * on in a turn of the dispatcher. A promise that never settles is ended by the stream's timeouts. Whatever a script throws ends
 * here: counted, logged, and answered with 500 if the script says so.
 */
import type { Bytes } from '../../../api/bytes.ts';
import type {
  DecoderFilterCallbacks,
  EncoderFilterCallbacks,
  FilterDataStatus,
  FilterHeadersStatus,
  FilterTrailersStatus,
  HeaderMap,
  StreamFilter,
  StreamFilterCallbacks,
} from '../../../api/http.ts';
import type { Counter } from '../../../api/stats.ts';
import { invariant } from '../../../base/invariant.ts';
import { checkText } from '../../../codec/header-map.ts';
import { isToken } from '../../../codec/header-name.ts';
import { RequestHandle, ResponseHandle } from './handles.ts';
import type { HandleOwner, ScriptLog } from './handles.ts';
import { MessageSide } from './message-side.ts';
import type { ScriptFunctions } from './script.ts';

/** What the filters of one configuration share. */
export interface ScriptShared {
  readonly functions: ScriptFunctions;
  readonly name: string;
  readonly namespace: string;
  readonly log: ScriptLog;
  readonly errors: Counter;
}

export class JavaScriptFilter implements StreamFilter, HandleOwner {
  callbacks: StreamFilterCallbacks | null = null;
  readonly #shared: ScriptShared;
  #decoder: DecoderFilterCallbacks | null = null;
  #encoder: EncoderFilterCallbacks | null = null;
  #request: MessageSide | null = null;
  #response: MessageSide | null = null;

  constructor(shared: ScriptShared) {
    this.#shared = shared;
  }

  get namespace(): string {
    return this.#shared.namespace;
  }

  get name(): string {
    return this.#shared.name;
  }

  get log(): ScriptLog {
    return this.#shared.log;
  }

  get waitsForBody(): boolean {
    return (this.#request?.waiting ?? false) || (this.#response?.waiting ?? false);
  }

  setDecoderFilterCallbacks(callbacks: DecoderFilterCallbacks): void {
    this.#decoder = callbacks;
    this.callbacks = callbacks;
  }

  setEncoderFilterCallbacks(callbacks: EncoderFilterCallbacks): void {
    this.#encoder = callbacks;
    this.callbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const { onRequest } = this.#shared.functions;
    const callbacks = this.#decoder;
    if (onRequest === undefined) return 'continue';
    invariant(callbacks !== null, 'a filter is given its callbacks first');
    const side = new MessageSide({
      get buffer() {
        return callbacks.decodingBuffer;
      },
      get limit() {
        return callbacks.decoderBufferLimit;
      },
      refuse: () => callbacks.sendLocalReply(413, 'Payload Too Large', 'request_payload_too_large'),
    });
    this.#request = side;
    side.begin(endStream);
    this.#run(
      side,
      () => onRequest(new RequestHandle(this, callbacks, headers, side)),
      () => callbacks.continueDecoding(),
    );
    return side.headersStatus();
  }

  decodeData(bytes: Bytes, endStream: boolean): FilterDataStatus {
    return this.#request === null ? 'continue' : this.#request.data(bytes, endStream);
  }

  decodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    return this.#request === null ? 'continue' : this.#request.trailersStatus(trailers);
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const { onResponse } = this.#shared.functions;
    const callbacks = this.#encoder;
    if (onResponse === undefined) return 'continue';
    invariant(callbacks !== null, 'a filter is given its callbacks first');
    const side = new MessageSide({
      get buffer() {
        return callbacks.encodingBuffer;
      },
      get limit() {
        return callbacks.encoderBufferLimit;
      },
      refuse: () => this.#decoder?.sendLocalReply(500, 'Internal Server Error', 'response_payload_too_large'),
    });
    this.#response = side;
    side.begin(endStream);
    this.#run(
      side,
      () => onResponse(new ResponseHandle(this, callbacks, headers, side)),
      () => callbacks.continueEncoding(),
    );
    return side.headersStatus();
  }

  encodeData(bytes: Bytes, endStream: boolean): FilterDataStatus {
    return this.#response === null ? 'continue' : this.#response.data(bytes, endStream);
  }

  encodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    return this.#response === null ? 'continue' : this.#response.trailersStatus(trailers);
  }

  onDestroy(): void {
    this.callbacks = null;
    this.#request?.destroy();
    this.#response?.destroy();
  }

  respond(status: number, headers: Readonly<Record<string, string>>, body: string): void {
    const entries = Object.entries(headers);
    // Checked before anything is sent: a bad value is the script's error, not half a response.
    for (const [name, value] of entries) {
      if (!isToken(name)) throw new RangeError(`${JSON.stringify(name)} is no header name`);
      checkText(value);
    }
    this.#decoder?.sendLocalReply(status, body, 'javascript_response', (reply) => {
      for (const [name, value] of entries) reply.set(name.toLowerCase(), value);
    });
  }

  #run(side: MessageSide, call: () => unknown, resume: () => void): void {
    let returned: unknown;
    try {
      returned = call();
    } catch (error) {
      side.end();
      this.#onError(error);
      return;
    }
    if (!isPromise(returned)) {
      side.end();
      return;
    }
    returned.then(
      () => this.#settle(side, null, resume),
      (error: unknown) => this.#settle(side, { error }, resume),
    );
  }

  /** Promises settle outside of a turn: what follows is posted into one. */
  #settle(side: MessageSide, failure: { readonly error: unknown } | null, resume: () => void): void {
    this.callbacks?.dispatcher.post(() => {
      if (this.callbacks === null || !side.running) return;
      side.end();
      if (failure !== null) this.#onError(failure.error);
      resume();
    });
  }

  #onError(error: unknown): void {
    const { functions, errors, log, name } = this.#shared;
    errors.inc();
    log('error', `${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    if (functions.onFailure === 'respond') {
      this.#decoder?.sendLocalReply(500, 'Internal Server Error', 'javascript_error');
    }
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
