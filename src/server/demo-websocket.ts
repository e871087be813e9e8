/**
 * The websocket side of the demo service (RFC 6455): every data frame comes back as it was, fragments as fragments, a ping as a
 * pong, a close as a close. No extension, no subprotocol. Holds at most one frame per connection, of at most 16 MiB.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** RFC 6455, section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

const FIN_AND_RESERVED = 0xf0;
const OPCODE = 0x0f;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const MASKED = 0x80;
const LENGTH = 0x7f;
const STATUS_PROTOCOL_ERROR = 1002;
const STATUS_TOO_BIG = 1009;

interface Frame {
  readonly first: number;
  readonly payload: Buffer;
  /** Bytes on the wire. */
  readonly size: number;
}

export function echoWebSocket(request: IncomingMessage, socket: Socket, head: Buffer): void {
  socket.on('error', () => socket.destroy());
  const key = request.headers['sec-websocket-key'];
  if (request.headers.upgrade?.toLowerCase() !== 'websocket' || key === undefined) {
    socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    return;
  }
  const accept = createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  );
  let kept = head;
  const take = (data: Buffer): void => {
    kept = consume(socket, kept.length === 0 ? data : Buffer.concat([kept, data]));
  };
  take(Buffer.alloc(0));
  socket.on('data', (data: Buffer) => {
    take(data);
    if (socket.writableNeedDrain) {
      socket.pause();
      socket.once('drain', () => socket.resume());
    }
  });
  socket.on('end', () => socket.end());
}

/** Answers every whole frame; returns the bytes of the one that is not whole yet. */
function consume(socket: Socket, bytes: Buffer): Buffer {
  let left = bytes;
  while (!socket.writableEnded) {
    const frame = parseFrame(left);
    if (frame === null) return left;
    if (typeof frame === 'number') {
      const status = Buffer.alloc(2);
      status.writeUInt16BE(frame);
      socket.end(frameOf(0x80 | CLOSE, status));
      break;
    }
    left = left.subarray(frame.size);
    answer(socket, frame);
  }
  return Buffer.alloc(0);
}

function answer(socket: Socket, { first, payload }: Frame): void {
  switch (first & OPCODE) {
    case CLOSE:
      socket.end(frameOf(first, payload));
      return;
    case PING:
      socket.write(frameOf((first & FIN_AND_RESERVED) | PONG, payload));
      return;
    case PONG:
      return;
    default:
      socket.write(frameOf(first, payload));
  }
}

/** Null: not whole yet. A number: the status to close with. */
function parseFrame(bytes: Buffer): Frame | number | null {
  if (bytes.length < 2) return null;
  const first = bytes.readUInt8(0);
  const second = bytes.readUInt8(1);
  // A client must mask (section 5.1).
  if ((second & MASKED) === 0) return STATUS_PROTOCOL_ERROR;
  const short = second & LENGTH;
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  const start = 2 + lengthBytes + 4;
  if (bytes.length < start) return null;
  const length =
    lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (length > MAX_FRAME_BYTES) return STATUS_TOO_BIG;
  if (bytes.length < start + length) return null;
  const mask = bytes.subarray(start - 4, start);
  const payload = Buffer.from(bytes.subarray(start, start + length));
  for (let index = 0; index < length; index += 1) {
    payload[index] = (payload[index] ?? 0) ^ (mask[index & 3] ?? 0);
  }
  return { first, payload, size: start + length };
}

function frameOf(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head.writeUInt8(first, 0);
  if (length < 126) {
    head.writeUInt8(length, 1);
  } else if (length < 65_536) {
    head.writeUInt8(126, 1);
    head.writeUInt16BE(length, 2);
  } else {
    head.writeUInt8(127, 1);
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}
