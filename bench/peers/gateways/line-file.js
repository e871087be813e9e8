/**
 * The access log of the gateways made of Node packages: lines of the content of Envoy's default format, appended to a file in
 * batches of 64 KiB or once a second, as the other contenders do. Plain JavaScript, as are its users: stripping types would cost
 * memory that is not theirs.
 */
import { open, write } from 'node:fs';
import { promisify } from 'node:util';

const BATCH_CHARACTERS = 64 * 1024;
const FLUSH_EVERY_MS = 1000;
/** A disk that is too slow loses lines instead of memory. */
const MOST_CHARACTERS = 8 * 1024 * 1024;

export class LineFile {
  #fd;
  #text = '';
  #writing = false;

  static async open(path) {
    return new LineFile(await promisify(open)(path, 'a'));
  }

  constructor(fd) {
    this.#fd = fd;
    setInterval(() => this.#flush(), FLUSH_EVERY_MS).unref();
  }

  add(line) {
    if (this.#text.length > MOST_CHARACTERS) return;
    this.#text += line;
    if (this.#text.length >= BATCH_CHARACTERS) this.#flush();
  }

  #flush() {
    if (this.#writing || this.#text === '') return;
    const batch = this.#text;
    this.#text = '';
    this.#writing = true;
    write(this.#fd, batch, (error) => {
      this.#writing = false;
      if (error !== null) throw error;
    });
  }
}

/** `received` and `sent` by content-length: what a middleware can know without counting. */
export function accessLine(request, response, startedAt, upstream) {
  const { headers } = request;
  const now = performance.now();
  const sent = response.getHeader('content-length') ?? '-';
  return (
    `[${new Date().toISOString()}] "${request.method} ${request.url} HTTP/${request.httpVersion}" ${response.statusCode} - ` +
    `${headers['content-length'] ?? 0} ${sent} ${Math.round(now - startedAt)} - "${headers['x-forwarded-for'] ?? '-'}" ` +
    `"${headers['user-agent'] ?? '-'}" "${headers['x-request-id'] ?? '-'}" "${headers.host ?? '-'}" "${upstream}"\n`
  );
}
