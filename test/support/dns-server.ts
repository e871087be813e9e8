/**
 * A name server for tests, on a UDP port of its own: it answers A questions for any name with the addresses that the test sets, and
 * everything else with none. Wire format: RFC 1035, section 4.
 */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';

const TYPE_A = 1;
const HEADER_BYTES = 12;
/** Answer, recursion available; `FAILED`: and the server could not (SERVFAIL). */
const ANSWERED = 0x8180;
const FAILED = 0x8182;
const TTL_SECONDS = 1;

export class DnsServer {
  readonly port: number;
  /** Null: every question fails. */
  addresses: readonly string[] | null = [];
  questions = 0;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on('message', (question, { port, address }) => {
      this.questions += 1;
      socket.send(this.#answerTo(question), port, address);
    });
  }

  static async start(): Promise<DnsServer> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DnsServer(socket);
  }

  stop(): void {
    this.#socket.close();
  }

  #answerTo(question: Buffer): Buffer {
    let end = HEADER_BYTES;
    while (question[end] !== 0) end += 1 + (question[end] ?? 0);
    // The name's end, type and class.
    const asked = question.subarray(HEADER_BYTES, end + 5);
    const isA = question.readUInt16BE(end + 1) === TYPE_A;
    const addresses = isA ? (this.addresses ?? []) : [];
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt16BE(question.readUInt16BE(0), 0);
    header.writeUInt16BE(this.addresses === null ? FAILED : ANSWERED, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(addresses.length, 6);
    return Buffer.concat([header, asked, ...addresses.map(record)]);
  }
}

/** An A record for the name of the question. */
function record(address: string): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16BE(0xc000 | HEADER_BYTES, 0);
  bytes.writeUInt16BE(TYPE_A, 2);
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt32BE(TTL_SECONDS, 6);
  bytes.writeUInt16BE(4, 10);
  for (const [index, part] of address.split('.').entries()) bytes[12 + index] = Number(part);
  return bytes;
}
