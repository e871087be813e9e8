/**
 * http-parser-js as a second opinion, made safe: it loops for ever on a negative length and on a negative chunk size, so every
 * one of its state calls is counted and a run away one is stopped. Never fed from a network.
 */
import { HTTPParser } from 'http-parser-js';

export interface LenientMessage {
  method: string;
  target: string;
  status: number;
  /** Lower-case names; Host left out and told apart. */
  fields: [string, string][];
  hosts: string[];
  body: string;
  trailers: string[];
  upgrade: boolean;
  keepAlive: boolean;
  complete: boolean;
}

export interface LenientResult {
  readonly messages: LenientMessage[];
  readonly error: string;
  /** It would not have come back. */
  readonly ranAway: boolean;
}

const STATES = [
  'REQUEST_LINE',
  'RESPONSE_LINE',
  'HEADER',
  'BODY_CHUNKHEAD',
  'BODY_CHUNK',
  'BODY_CHUNKEMPTYLINE',
  'BODY_CHUNKTRAILERS',
  'BODY_RAW',
  'BODY_SIZED',
] as const;

/** Parses all of the text in one go (or `size` bytes at a time). */
export function parseLeniently(
  text: string,
  kind: 'REQUEST' | 'RESPONSE' = 'REQUEST',
  encoding = 'latin1',
  size = text.length,
): LenientResult {
  const messages: LenientMessage[] = [];
  const parser = new HTTPParser(HTTPParser[kind]);
  const before = HTTPParser.encoding;
  HTTPParser.encoding = encoding as typeof HTTPParser.encoding;
  const ranAway = guard(parser, text.length);
  listen(parser, messages);
  let error = '';
  const bytes = Buffer.from(text, 'latin1');
  for (let from = 0; from < bytes.length && error === ''; from += size) {
    const part = bytes.subarray(from, from + size);
    const result: unknown = parser.execute(part, 0, part.length);
    if (result instanceof Error) error = result.message + ((result as { code?: string }).code ?? '');
  }
  HTTPParser.encoding = before;
  return { messages, error, ranAway: ranAway() };
}

type StateMethods = Record<string, () => unknown>;

/** Counts the calls of its state machine: each takes at least a byte in a sane run. */
function guard(parser: InstanceType<typeof HTTPParser>, length: number): () => boolean {
  let calls = 0;
  let stopped = false;
  const machine = parser as unknown as StateMethods;
  for (const state of STATES) {
    const original = machine[state];
    if (original === undefined) throw new Error(`no state ${state}`);
    machine[state] = function counted(this: unknown): unknown {
      calls += 1;
      if (calls > length + 16) {
        stopped = true;
        throw new Error('ran away');
      }
      return original.call(this);
    };
  }
  return () => stopped;
}

interface HeadInfo {
  headers: string[];
  method: number;
  url: string;
  statusCode: number;
  upgrade: boolean;
  shouldKeepAlive: boolean;
}

function listen(parser: InstanceType<typeof HTTPParser>, messages: LenientMessage[]): void {
  const machine = parser as unknown as Record<number, (...args: never[]) => unknown>;
  const last = (): LenientMessage | undefined => messages[messages.length - 1];
  machine[HTTPParser.kOnHeadersComplete] = (info: HeadInfo): boolean => {
    messages.push(messageOf(info));
    return false;
  };
  machine[HTTPParser.kOnBody] = (chunk: Buffer, offset: number, length: number): void => {
    const message = last();
    if (message !== undefined) message.body += chunk.toString('latin1', offset, offset + length);
  };
  machine[HTTPParser.kOnHeaders] = (trailers: string[]): void => {
    last()?.trailers.push(...trailers);
  };
  machine[HTTPParser.kOnMessageComplete] = (): void => {
    const message = last();
    if (message !== undefined) message.complete = true;
  };
}

function messageOf(info: HeadInfo): LenientMessage {
  const fields: [string, string][] = [];
  const hosts: string[] = [];
  for (let index = 0; index + 1 < info.headers.length; index += 2) {
    const name = (info.headers[index] ?? '').toLowerCase();
    const value = info.headers[index + 1] ?? '';
    if (name === 'host') hosts.push(value);
    else fields.push([name, value]);
  }
  return {
    method: HTTPParser.methods[info.method] ?? '',
    target: info.url,
    status: info.statusCode,
    fields,
    hosts,
    body: '',
    trailers: [],
    upgrade: info.upgrade,
    keepAlive: info.shouldKeepAlive,
    complete: false,
  };
}
