/**
 * Load of the part `junk`: what scanners send, at a rate, as fast as they would and in their proportions: paths that do not exist on
 * connections that stay, bad HTTP, binary openings of other protocols and TLS hellos on connections of their own. Each must be refused.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { SystemClock } from '../../../src/base/clock.ts';
import { Dice } from '../dice.ts';
import { HttpReader, statusOf } from './http-reader.ts';
import { onParent, optionsOfParent, tellParent } from './parent.ts';

export interface JunkLoadOptions {
  readonly port: number;
  readonly seed: number;
  readonly perSecond: number;
}

/** By what came back: statuses by number, `closed` without an answer. `served`: 2xx, which no junk may get. */
export interface JunkCounts {
  readonly sent: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly kinds: Readonly<Record<string, number>>;
}

const SCANNED = [
  '/wp-login.php',
  '/.env',
  '/.git/config',
  '/phpmyadmin/index.php',
  '/cgi-bin/luci',
  '/admin',
  '/actuator/env',
];
const BAD_HTTP = [
  'GET / HTTP/9.9\r\nhost: a\r\n\r\n',
  'GET / HTTP/1.1\r\nno colon here\r\n\r\n',
  'GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
  'GET / HTTP/1.1\r\nhost: a\r\ncontent-length: -5\r\n\r\n',
  'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n',
  'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, nonsense\r\n\r\n',
  'G\x00T / HTTP/1.1\r\nhost: a\r\n\r\n',
  ' / HTTP/1.1\r\n\r\n',
  '() { :;}; /bin/true\r\n\r\n',
  `GET / HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(70_000)}\r\n\r\n`,
];
/** Openings of SSH, RDP, SMB and SOCKS. */
const BINARY = [
  'SSH-2.0-scan\r\n\r\n',
  '\x03\x00\x00\x2f\x2a\xe0\x00\x00\x00\x00\x00Cookie: a\r\n\r\n',
  '\x00\x00\x00\x85\xffSMBr\x00\x00\x00\x00\x18S\xc8',
  '\x05\x01\x00\r\n\r\n',
];
/** Shares of kinds: most of what scanners send is HTTP. */
const SCAN = 0.5;
const BAD = 0.25;
const TLS = 0.125;
const TICK_MS = 5;
const SCANNER_CONNECTIONS = 8;
const MOST_OPEN = 2000;
const SOURCES = 16;

const options = optionsOfParent() as JunkLoadOptions;
const dice = new Dice(options.seed);
const answers: Record<string, number> = {};
const kinds: Record<string, number> = {};
const clock = new SystemClock();
let sent = 0;
let goal = 0;
let answered = 0;
let open = 0;

function settle(answer: string): void {
  answers[answer] = (answers[answer] ?? 0) + 1;
  answered += 1;
  if (answered === goal) tellParent({ kind: 'done', counts: { sent, answers, kinds } });
}

class Scanner {
  #socket: Socket | null = null;
  #due = 0;

  scan(): void {
    const socket = this.#socket ?? this.#open();
    this.#due += 1;
    socket.write(`GET ${dice.pick(SCANNED)} HTTP/1.1\r\nhost: soak\r\nuser-agent: scan\r\n\r\n`);
  }

  #open(): Socket {
    const socket = connect(options.port, '127.0.0.1');
    const reader = new HttpReader();
    this.#socket = socket;
    socket.setEncoding('latin1').on('error', () => undefined);
    socket.on('data', (text: string) => {
      reader.push(text);
      for (let message = reader.next(); message !== null; message = reader.next()) {
        this.#due -= 1;
        settle(String(statusOf(message.head)));
      }
    });
    socket.on('close', () => {
      for (; this.#due > 0; this.#due -= 1) settle('closed');
      this.#socket = null;
    });
    return socket;
  }
}

/** On a connection of its own, from one of several addresses: the port numbers of one would run out. */
function offer(bytes: string): void {
  const localAddress = `127.0.0.${2 + (sent % SOURCES)}`;
  const socket = connect({ port: options.port, host: '127.0.0.1', localAddress });
  open += 1;
  let text = '';
  socket.setEncoding('latin1').on('data', (more: string) => (text = (text + more).slice(0, 100)));
  socket.on('error', () => undefined);
  socket.on('close', () => {
    open -= 1;
    settle(text === '' ? 'closed' : String(statusOf(text)));
  });
  socket.write(bytes, 'latin1');
}

/** As a browser's: a handshake record with a ClientHello whose body is chance. */
function helloBytes(): string {
  const body = Array.from({ length: 200 }, () => String.fromCharCode(dice.below(256))).join('');
  return `\x16\x03\x01\x00\xf1\x01\x00\x00\xed\x03\x03${body}`;
}

function randomBytes(): string {
  const first = String.fromCharCode(dice.between(0x80, 0xff));
  return (
    first + Array.from({ length: dice.between(1, 200) }, () => String.fromCharCode(dice.below(256))).join('')
  );
}

const scanners = Array.from({ length: SCANNER_CONNECTIONS }, () => new Scanner());

function sendOne(): void {
  sent += 1;
  const roll = dice.below(1000) / 1000;
  const kind =
    roll < SCAN ? 'scan' : roll < SCAN + BAD ? 'bad HTTP' : roll < SCAN + BAD + TLS ? 'TLS hello' : 'binary';
  kinds[kind] = (kinds[kind] ?? 0) + 1;
  if (kind === 'scan') dice.pick(scanners).scan();
  else if (kind === 'bad HTTP') offer(dice.pick(BAD_HTTP));
  else if (kind === 'TLS hello') offer(helloBytes());
  else offer(dice.chance(0.5) ? dice.pick(BINARY) : randomBytes());
}

tellParent({ kind: 'ready' });
onParent((message) => {
  if (message.kind !== 'send') return;
  const before = sent;
  goal = before + (message as { kind: string; more: number }).more;
  const started = clock.now();
  const ticker = setInterval(() => {
    const due = Math.min(goal, before + Math.floor(((clock.now() - started) / 1000) * options.perSecond));
    // Too many that wait for their answer: the rest comes with the next tick.
    for (let left = Math.min(due - sent, MOST_OPEN - open); left > 0; left -= 1) sendOne();
    if (sent === goal) clearInterval(ticker);
  }, TICK_MS);
});
