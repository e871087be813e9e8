/**
 * Cuts messages out of a stream of bytes for the soak's peers, on latin1 text: heads by their empty line, bodies by Content-Length or
 * in chunks. It shares no code with the proxy, so it can judge it; it trusts that framing is sound and throws where it is not.
 */
export interface HttpMessage {
  /** Start line and headers, without the empty line. */
  readonly head: string;
  readonly body: string;
}

const HEAD_END = '\r\n\r\n';
const LINE_END = '\r\n';

export class HttpReader {
  #text = '';
  #at = 0;

  push(text: string): void {
    this.#text = this.#at === 0 ? this.#text + text : this.#text.slice(this.#at) + text;
    this.#at = 0;
  }

  /** Bytes that belong to no whole message yet. */
  get rest(): string {
    return this.#text.slice(this.#at);
  }

  /** Null: not whole yet. `bodiless`: the answer to a HEAD request. */
  next(bodiless = false): HttpMessage | null {
    const headEnd = this.#text.indexOf(HEAD_END, this.#at);
    if (headEnd < 0) return null;
    const head = this.#text.slice(this.#at, headEnd);
    const start = headEnd + HEAD_END.length;
    if (bodiless) {
      this.#at = start;
      return { head, body: '' };
    }
    if (/^transfer-encoding: *chunked *$/im.test(head)) return this.#chunked(head, start);
    const end = start + Number(headerOf(head, 'content-length') ?? 0);
    if (this.#text.length < end) return null;
    this.#at = end;
    return { head, body: this.#text.slice(start, end) };
  }

  #chunked(head: string, start: number): HttpMessage | null {
    let body = '';
    let at = start;
    for (;;) {
      const lineEnd = this.#text.indexOf(LINE_END, at);
      if (lineEnd < 0) return null;
      const size = Number.parseInt(this.#text.slice(at, lineEnd), 16);
      if (Number.isNaN(size))
        throw new Error(`no chunk size: ${JSON.stringify(this.#text.slice(at, lineEnd))}`);
      const from = lineEnd + LINE_END.length;
      const to = from + size;
      if (this.#text.length < to + LINE_END.length) return null;
      body += this.#text.slice(from, to);
      at = to + LINE_END.length;
      if (size > 0) continue;
      this.#at = at;
      return { head, body };
    }
  }
}

/** By lower-case name; undefined: there is none. */
export function headerOf(head: string, name: string): string | undefined {
  const lower = head.toLowerCase();
  const at = lower.indexOf(`\r\n${name}:`);
  if (at < 0) return undefined;
  const from = at + LINE_END.length + name.length + 1;
  const end = head.indexOf(LINE_END, from);
  return head.slice(from, end < 0 ? undefined : end).trim();
}

export function statusOf(head: string): number {
  return Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 '.length + 3));
}

/** Whatever follows `text` again and again fills `length`. */
export function repeated(text: string, length: number): string {
  return text.repeat(Math.ceil(length / text.length)).slice(0, length);
}
