/**
 * What a script holds in its hands: views of the stream that check, at every call, whether it still lives.
 *
 * A script may keep a handle in a closure or a promise for as long as it likes; after the stream's end reads give nothing and
 * writes do nothing.
 */
import type { HeaderMap, StreamFilterCallbacks } from '../../../api/http.ts';
import type { Address } from '../../../api/socket.ts';
import { HeaderList } from '../../../codec/header-map.ts';
import type { MessageSide } from './message-side.ts';
import type {
  ScriptConnection,
  ScriptHeaders,
  ScriptLogLevel,
  ScriptMetadata,
  ScriptRequest,
  ScriptResponse,
} from './script.ts';

export type ScriptLog = (level: ScriptLogLevel, message: string) => void;

/** Longest line that a script may log, in characters. */
const LOG_LIMIT = 4096;

/** What a handle needs of its filter. */
export interface HandleOwner {
  /** Null once the stream is over. */
  readonly callbacks: StreamFilterCallbacks | null;
  readonly namespace: string;
  readonly name: string;
  readonly log: ScriptLog;
  respond(status: number, headers: Readonly<Record<string, string>>, body: string): void;
}

const NOTHING: HeaderMap = new HeaderList();

/** What a script may not do to a message, because the codec could not write it: the map itself refuses broken text. */
function checkPseudo(name: string, value: string): void {
  if (name.charCodeAt(0) !== 0x3a) return;
  if (name === ':status') checkStatus(Number(value));
  else if (name === ':protocol') throw new RangeError("an upgrade is the client's to ask for");
  else if (value === '') throw new RangeError(`${name} cannot be empty`);
}

function checkStatus(status: number): void {
  if (Number.isInteger(status) && status >= 200 && status <= 599) return;
  throw new RangeError(`status ${String(status)} is not between 200 and 599`);
}

class LiveHeaders implements ScriptHeaders {
  readonly #owner: HandleOwner;
  readonly #headers: HeaderMap;

  constructor(owner: HandleOwner, headers: HeaderMap) {
    this.#owner = owner;
    this.#headers = headers;
  }

  get(name: string): string | null {
    return this.#live.get(name.toLowerCase());
  }

  getAll(name: string): string[] {
    return this.#live.getAll(name.toLowerCase());
  }

  has(name: string): boolean {
    return this.#live.has(name.toLowerCase());
  }

  set(name: string, value: string): void {
    const lower = name.toLowerCase();
    checkPseudo(lower, value);
    if (this.#owner.callbacks !== null) this.#headers.set(lower, value);
  }

  add(name: string, value: string): void {
    const lower = name.toLowerCase();
    checkPseudo(lower, value);
    if (this.#owner.callbacks !== null) this.#headers.add(lower, value);
  }

  remove(name: string): number {
    const lower = name.toLowerCase();
    if (lower.startsWith(':') || lower === 'host') throw new RangeError(`${name} cannot be removed`);
    return this.#owner.callbacks === null ? 0 : this.#headers.remove(lower);
  }

  *[Symbol.iterator](): Iterator<[string, string]> {
    for (let index = 0; index < this.#live.size; index += 1) {
      yield [this.#headers.nameAt(index), this.#headers.valueAt(index)];
    }
  }

  get #live(): HeaderMap {
    return this.#owner.callbacks === null ? NOTHING : this.#headers;
  }
}

class LiveMetadata implements ScriptMetadata {
  readonly #owner: HandleOwner;

  constructor(owner: HandleOwner) {
    this.#owner = owner;
  }

  get(key: string, namespace = this.#owner.namespace): unknown {
    return this.#owner.callbacks?.info.metadata.get(namespace)?.get(key);
  }

  set(key: string, value: unknown): void {
    const metadata = this.#owner.callbacks?.info.metadata;
    if (metadata === undefined) return;
    let own = metadata.get(this.#owner.namespace);
    if (own === undefined) metadata.set(this.#owner.namespace, (own = new Map()));
    own.set(key, value);
  }
}

abstract class Handle {
  readonly headers: ScriptHeaders;
  readonly metadata: ScriptMetadata;
  readonly streamId: number;
  readonly connection: ScriptConnection;
  protected readonly owner: HandleOwner;
  protected readonly head: HeaderMap;
  readonly #side: MessageSide;

  constructor(owner: HandleOwner, callbacks: StreamFilterCallbacks, head: HeaderMap, side: MessageSide) {
    const { connection } = callbacks;
    this.owner = owner;
    this.head = head;
    this.#side = side;
    this.headers = new LiveHeaders(owner, head);
    this.metadata = new LiveMetadata(owner);
    this.streamId = callbacks.streamId;
    this.connection = {
      id: connection.id,
      threadId: callbacks.dispatcher.tid,
      remoteAddress: addressText(callbacks.info.downstreamRemoteAddress),
      localAddress: addressText(connection.localAddress),
      secure: connection.secure,
    };
  }

  get trailers(): ScriptHeaders | null {
    const { trailers } = this.#side;
    return trailers === null ? null : new LiveHeaders(this.owner, trailers);
  }

  get routeConfig(): unknown {
    const own = this.owner.callbacks?.perRouteConfig(this.owner.name);
    return (own as { readonly config?: unknown } | undefined)?.config;
  }

  body(): Promise<Buffer> {
    return this.#side.body();
  }

  log(level: ScriptLogLevel, message: string): void {
    if (this.owner.callbacks !== null) this.owner.log(level, message.slice(0, LOG_LIMIT));
  }
}

export class RequestHandle extends Handle implements ScriptRequest {
  get method(): string {
    return this.head.method;
  }

  set method(value: string) {
    this.headers.set(':method', value);
  }

  get path(): string {
    return this.head.path;
  }

  set path(value: string) {
    this.headers.set(':path', value);
  }

  get authority(): string {
    return this.head.authority;
  }

  set authority(value: string) {
    this.headers.set(':authority', value);
  }

  respond(status: number, headers: Readonly<Record<string, string>> = {}, body = ''): void {
    checkStatus(status);
    if (this.owner.callbacks !== null) this.owner.respond(status, headers, body);
  }
}

export class ResponseHandle extends Handle implements ScriptResponse {
  get status(): number {
    return this.head.status;
  }

  set status(value: number) {
    checkStatus(value);
    if (this.owner.callbacks !== null) this.head.status = value;
  }
}

function addressText(address: Address): string {
  if (address.kind === 'pipe') return address.path;
  return address.family === 6 ? `[${address.ip}]:${address.port}` : `${address.ip}:${address.port}`;
}
