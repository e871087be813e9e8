/** The talk's two handshakes, built byte by byte, in every kind of file; and files that end, lie or hold other things. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LOGS_CAPTURE } from '../../../src/cli/logs-capture.ts';
import { parseOptions } from '../../../src/cli/option.ts';
import { CaptureError } from '../../../src/diagnose/capture/capture-parser.ts';
import { CaptureReader } from '../../../src/diagnose/capture/capture-report.ts';
import type { CaptureReport } from '../../../src/diagnose/capture/capture-report.ts';
import { captureText } from '../../../src/diagnose/capture/capture-text.ts';
import { HandshakeTracker } from '../../../src/diagnose/capture/handshake-tracker.ts';
import type { Verdict } from '../../../src/diagnose/capture/handshake.ts';
import { tcpSegmentOf } from '../../../src/diagnose/capture/tcp-segment.ts';
import { CLIENT_HELLO, frame, ip, pcap, pcapng } from './frames.ts';
import type { Captured, Link } from './frames.ts';

/** 2021-08-26T02:19:18Z, in microseconds. */
const SECOND = Date.UTC(2021, 7, 26, 2, 19, 18) * 1000;

/** Microseconds behind the second, direction, flags, payload. */
type Row = readonly [number, '>' | '<', string, Buffer?];

const BAD: readonly Row[] = [
  [879_070, '>', 'S'],
  [879_193, '<', 'SA'],
  [883_770, '>', 'A'],
  [894_135, '<', 'FA'],
  [894_589, '>', 'A', CLIENT_HELLO],
  [894_649, '<', 'R'],
  [899_159, '>', 'A'],
  [899_217, '<', 'R'],
  [903_364, '>', 'FA'],
  [903_433, '<', 'R'],
];
const GOOD: readonly Row[] = [
  [206_269, '>', 'S'],
  [206_379, '<', 'SA'],
  [210_386, '>', 'A'],
  [210_480, '>', 'A', CLIENT_HELLO],
  [210_609, '<', 'A'],
  [211_518, '<', 'A', Buffer.alloc(1400)],
  [220_881, '>', 'FA'],
  [221_000, '<', 'FA'],
];

interface Ends {
  readonly client?: readonly [string, number];
  readonly server?: readonly [string, number];
  readonly link?: Link;
}

function packets(rows: readonly Row[], ends: Ends = {}): Captured[] {
  const { client = ['172.16.0.177', 16_701], server = ['172.16.0.187', 443], link = 'ethernet' } = ends;
  return rows.map(([micros, direction, flags, payload]) => {
    const [from, to] = direction === '>' ? [client, server] : [server, client];
    const bytes = frame(link, ip({ from, to, flags, ...(payload === undefined ? {} : { payload }) }));
    return { at: SECOND + micros, bytes };
  });
}

function read(file: Buffer, { chunk = 4096, timeoutMs = 10, port = 0 } = {}): CaptureReport {
  const reader = new CaptureReader({ timeoutMs, port, keep: 10 });
  for (let at = 0; at < file.length; at += chunk) reader.push(file.subarray(at, at + chunk));
  return reader.end();
}

function verdictOf(rows: readonly Row[], timeoutMs = 10): Verdict {
  const { verdicts, handshakes } = read(pcap('ethernet', packets(rows)), { timeoutMs });
  assert.equal(handshakes, 1);
  return (Object.entries(verdicts).find(([, count]) => count === 1)?.[0] ?? '') as Verdict;
}

/** Both of the talk, the second from another port. */
function talk(link: Link, family: 4 | 6): Captured[] {
  const v6: Ends = { client: ['fd00::b1', 16_701], server: ['fd00::bb', 443] };
  const ends: Ends = family === 6 ? v6 : {};
  const other = ends.client === undefined ? '172.16.0.177' : ends.client[0];
  return [...packets(GOOD, { ...ends, link, client: [other, 28_569] }), ...packets(BAD, { ...ends, link })];
}

test("the talk's bad handshake is found and its good one is not, in every kind of file", () => {
  for (const link of ['ethernet', 'vlan', 'cooked', 'cooked2', 'raw', 'null'] as const) {
    for (const family of [4, 6] as const) {
      for (const write of [pcap, pcapng]) {
        for (const options of [{}, { big: true }, { nanos: true }, { big: true, nanos: true }]) {
          const report = read(write(link, talk(link, family), options));
          const where = `${link} IPv${family} ${write.name} ${JSON.stringify(options)}`;
          assert.equal(report.verdicts['sniff-timeout'], 1, where);
          assert.equal(report.verdicts.good, 1, where);
          const [bad] = report.closed;
          assert.equal(bad?.client, family === 4 ? '172.16.0.177:16701' : '[fd00::b1]:16701');
          assert.equal(bad?.gap.toFixed(2), '10.82');
          assert.equal(bad?.firstEnd?.after.toFixed(1), '10.4');
          assert.equal(bad?.firstBytes, 'ClientHello');
          assert.equal(report.longestGood?.gap.toFixed(3), '0.094');
          assert.deepEqual(report.firstEnds, {
            'client FIN': 1,
            'client RST': 0,
            'server FIN': 1,
            'server RST': 0,
          });
        }
      }
    }
  }
});

test('the report names cause and remedy', () => {
  const text = captureText(read(pcap('ethernet', talk('ethernet', 4))));
  assert.match(text, /Cause: the protocol-sniff timeout\. In 1 of 2 connections/);
  assert.match(
    text,
    /172\.16\.0\.177:16701 -> 172\.16\.0\.187:443: ClientHello 10\.819 ms, server's FIN 10\.365 ms after the ACK/,
  );
  assert.match(text, /Good ones for comparison: first bytes 0\.094 ms/);
  assert.match(text, /Remedy: `listener_filters_timeout: 0s`/);
  const good = captureText(read(pcap('ethernet', packets(GOOD))));
  assert.doesNotMatch(good, /Cause|Remedy|0s/);
});

test('chunks may end anywhere', () => {
  for (const write of [pcap, pcapng]) {
    const file = write('cooked', talk('cooked', 4));
    const whole = read(file);
    for (const chunk of [1, 7, 61, 65_536].filter((size) => size > 1 || write === pcap))
      assert.deepEqual(read(file, { chunk }), whole);
  }
});

test('a file that is cut off anywhere is read as far as it goes', () => {
  const file = pcap('ethernet', packets(BAD));
  for (let length = 24; length < file.length; length += 1) {
    const { truncated, packets: count } = read(file.subarray(0, length));
    const perRecord = (file.length - 24 - CLIENT_HELLO.length) / 10;
    if (!truncated) assert.ok(length === 24 || count > 0);
    assert.ok(count <= (length - 24) / perRecord);
  }
  for (let length = 0; length < 24; length += 1)
    assert.throws(() => read(file.subarray(0, length)), CaptureError);
  const ng = pcapng('ethernet', packets(BAD));
  assert.equal(read(ng.subarray(0, ng.length - 5)).truncated, true);
  assert.equal(read(ng.subarray(0, 3000)).truncated, true);
});

test('what is no TCP is counted and changes nothing', () => {
  const ends = { from: ['10.0.0.1', 53], to: ['10.0.0.2', 53], flags: '' } as const;
  const arp = Buffer.concat([Buffer.alloc(12), Buffer.from([8, 6]), Buffer.alloc(28)]);
  const fragment = ip({ ...ends, flags: 'S' });
  fragment.writeUInt16BE(0x0010, 6);
  const strange = [
    arp,
    frame('ethernet', ip(ends, 17)),
    frame('ethernet', fragment),
    Buffer.alloc(3),
    Buffer.alloc(0),
  ];
  const short = packets(GOOD).map(({ bytes }) => bytes.subarray(0, 40));
  const noise = [...strange, ...short].map((bytes) => ({ at: SECOND, bytes }));
  const report = read(pcap('ethernet', [...noise, ...packets(BAD)]));
  assert.deepEqual([report.notTcp, report.unreadable, report.tcp], [3, 2 + GOOD.length, BAD.length]);
  assert.equal(report.verdicts['sniff-timeout'], 1);
  const wifi = pcap('ethernet', packets(BAD));
  wifi.writeUInt32LE(105, 20);
  assert.equal(read(wifi).unknownLink, BAD.length);
});

test('no bytes make the dissector fail', () => {
  let seed = 1;
  const next = (): number => (seed = (seed * 48_271) % 2_147_483_647);
  for (let round = 0; round < 20_000; round += 1) {
    const bytes = Buffer.from(packets(BAD)[round % 10]?.bytes ?? []).subarray(0, next() % 80);
    for (let change = 0; change < 3 && bytes.length > 0; change += 1)
      bytes[next() % bytes.length] = next() % 256;
    for (const link of [0, 1, 101, 113, 276, 999]) tcpSegmentOf(link, bytes, bytes.length);
  }
});

test('captured headers are enough: the lengths are those of the headers', () => {
  const cut = packets(BAD).map(({ at, bytes }) => ({ at, bytes: bytes.subarray(0, 54) }));
  const { verdicts, closed } = read(pcap('ethernet', cut));
  assert.equal(verdicts['sniff-timeout'], 1);
  assert.equal(closed[0]?.firstBytes, 'unknown');
});

test('each end of a handshake has its verdict', () => {
  const shake = GOOD.slice(0, 3);
  assert.equal(
    verdictOf([...shake, [230_000, '>', 'A', CLIENT_HELLO], [231_000, '<', 'A', Buffer.alloc(9)]]),
    'late-but-served',
  );
  assert.equal(
    verdictOf([...shake, [5_210_386, '<', 'FA'], [5_220_000, '>', 'A', CLIENT_HELLO]]),
    'closed-early',
  );
  assert.equal(
    verdictOf([...shake, [5_210_386, '<', 'FA'], [5_220_000, '>', 'A', CLIENT_HELLO]], 5000),
    'sniff-timeout',
  );
  assert.equal(verdictOf([...shake, [220_500, '<', 'FA'], [230_000, '>', 'FA']]), 'silent-client');
  assert.equal(
    verdictOf([...shake, [220_500, '<', 'RA'], [230_000, '>', 'A', CLIENT_HELLO]]),
    'sniff-timeout',
  );
  assert.equal(verdictOf(shake), 'open');
  assert.equal(verdictOf([...shake, [211_000, '>', 'FA']]), 'open');
  assert.equal(
    verdictOf([
      [1, '>', 'S'],
      [2, '<', 'RA'],
    ]),
    'refused',
  );
  assert.equal(
    verdictOf([
      [1, '>', 'S'],
      [1_000_001, '>', 'S'],
    ]),
    'incomplete',
  );
  // The server speaks first (SMTP, MySQL) and closes: no sniffing was in its way.
  assert.equal(
    verdictOf([
      ...shake,
      [211_000, '<', 'A', Buffer.alloc(9)],
      [220_500, '<', 'FA'],
      [230_000, '>', 'A', CLIENT_HELLO],
    ]),
    'late-but-served',
  );
});

test('packets that are seen twice, as on `-i any`, change nothing', () => {
  const twice = packets(BAD).flatMap(({ at, bytes }) => [
    { at, bytes },
    { at: at + 3, bytes },
  ]);
  const { handshakes, verdicts, closed } = read(pcap('ethernet', twice));
  assert.deepEqual([handshakes, verdicts['sniff-timeout']], [1, 1]);
  assert.equal(closed[0]?.gap.toFixed(3), '10.819');
});

test('a port that is used again is another connection, and other ports can be left out', () => {
  const again = packets(GOOD).map(({ at, bytes }) => ({ at: at + 9_000_000, bytes }));
  assert.equal(read(pcap('ethernet', [...packets(BAD), ...again])).handshakes, 2);
  assert.equal(read(pcap('ethernet', packets(BAD)), { port: 80 }).handshakes, 0);
  assert.equal(read(pcap('ethernet', packets(BAD)), { port: 443 }).handshakes, 1);
});

test('the table of connections is bounded: the oldest is judged first', () => {
  const judged: string[] = [];
  const tracker = new HandshakeTracker(10, ({ client }) => judged.push(client), 100);
  for (let port = 1000; port < 1300; port += 1) {
    const bytes = ip({ from: ['10.0.0.1', port], to: ['10.0.0.2', 443], flags: 'S' });
    const segment = tcpSegmentOf(101, bytes, bytes.length);
    if (typeof segment === 'string') assert.fail(segment);
    tracker.take(segment, port);
  }
  assert.equal(judged.length, 200);
  assert.equal(judged[0], '10.0.0.1:1000');
  tracker.end();
  assert.equal(judged.length, 300);
});

test('a damaged file is refused with a sentence, whatever it claims', () => {
  const huge = pcap('ethernet', packets(GOOD));
  huge.writeUInt32LE(0x7fffffff, 24 + 8);
  assert.throws(() => read(huge), /damaged: a packet of 2147483647 bytes/);
  const block = pcapng('ethernet', packets(GOOD));
  block.writeUInt32LE(6, 28 + 4);
  assert.throws(() => read(block), /damaged: a block of 6 bytes/);
  assert.throws(
    () => read(Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n')),
    /neither a pcap nor a pcapng file/,
  );
});

const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('the command prints sentences or JSON, and says what it cannot read', async () => {
  const good = join(folder, 'good.pcap');
  const text = join(folder, 'text');
  writeFileSync(good, pcapng('cooked2', talk('cooked2', 6)));
  writeFileSync(text, 'no capture at all, this is');
  const capture = async (...args: string[]): Promise<{ code: number; results: string; problems: string }> => {
    let [results, problems] = ['', ''];
    const code = await LOGS_CAPTURE.run(parseOptions(args, LOGS_CAPTURE.options), {
      result: (said) => (results += said),
      problem: (said) => (problems += said),
    });
    return { code, results, problems };
  };
  assert.match((await capture(good)).results, /Remedy: `listener_filters_timeout: 0s`/);
  const json = JSON.parse((await capture(good, '--json', '--top', '0')).results) as CaptureReport;
  assert.deepEqual([json.handshakes, json.verdicts['sniff-timeout'], json.closed.length], [2, 1, 0]);
  const broken = await capture(text);
  assert.equal(broken.code, 1);
  assert.match(broken.problems, /text: it is neither a pcap nor a pcapng file/);
  assert.match((await capture(join(folder, 'none'))).problems, /ENOENT/);
  await assert.rejects(capture(), /needs a file/);
});
