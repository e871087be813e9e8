/** The assembler of BPF: what each line becomes, byte by byte (RFC 9669), and what the kernel says of a program. */
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { describe, test } from 'node:test';
import { BpfCalls, CONNECT4, MAP_ARRAY, whyNoBpf } from '../../bench/harness/bpf/calls.ts';
import {
  add,
  addInMemory,
  assemble,
  call,
  exit,
  jump,
  jumpIfEqual,
  jumpIfNull,
  jumpUnlessEqual,
  jumpUnlessSame,
  label,
  load,
  mapAddress,
  move,
  set,
  store,
  storeValue,
  toNetworkOrder,
} from '../../bench/harness/bpf/instructions.ts';
import type { Line } from '../../bench/harness/bpf/instructions.ts';
import { connectProgram } from '../../bench/interception/programs.ts';

/** Instructions as `code dst|src offset immediate` in hexadecimal digits, least byte first. */
function hex(lines: readonly Line[]): string[] {
  const text = assemble(lines).toString('hex');
  return (text.match(/.{16}/g) ?? []).map((each) =>
    [each.slice(0, 2), each.slice(2, 4), each.slice(4, 8), each.slice(8)].join(' '),
  );
}

test('every instruction has the bytes of the specification', () => {
  const cases: readonly (readonly [line: Line, text: string])[] = [
    [move(6, 1), 'bf 16 0000 00000000'],
    [set(0, 1), 'b4 00 0000 01000000'],
    [add(3, -16), '07 03 0000 f0ffffff'],
    [toNetworkOrder(2), 'dc 02 0000 20000000'],
    [load(2, 1, 24), '61 12 1800 00000000'],
    [store(10, -16, 3), '63 3a f0ff 00000000'],
    [storeValue(10, -4, 7), '62 0a fcff 07000000'],
    [addInMemory(0, 8, 1), 'db 10 0800 00000000'],
    [call(71), '85 00 0000 47000000'],
    [exit(), '95 00 0000 00000000'],
  ];
  assert.deepEqual(
    hex(cases.map(([line]) => line)),
    cases.map(([, text]) => text),
  );
  assert.deepEqual(hex(mapAddress(2, 5)), ['18 12 0000 05000000', '00 00 0000 00000000']);
});

test('a jump counts instructions from the next one, forwards and backwards, and a map address is two', () => {
  const lines = [
    label('start'),
    jumpUnlessEqual(2, 0xc0a80001, 'end'),
    jumpIfEqual(2, 4, 'end'),
    jumpUnlessSame(2, 3, 'end'),
    ...mapAddress(1, 3),
    jumpIfNull(0, 'end'),
    jump('start'),
    label('end'),
    exit(),
  ];
  assert.deepEqual(hex(lines), [
    '56 02 0600 0100a8c0',
    '16 02 0500 04000000',
    '5d 32 0400 00000000',
    '18 11 0000 03000000',
    '00 00 0000 00000000',
    '15 00 0100 00000000',
    '05 00 f9ff 00000000',
    '95 00 0000 00000000',
  ]);
});

test('a label that is missing or there twice is an error', () => {
  assert.throws(() => assemble([jump('nowhere')]), /no label nowhere/);
  assert.throws(() => assemble([label('here'), label('here')]), /label here is there twice/);
});

test('addresses and ports stand in the program as they stand on the wire', () => {
  const [from, to] = [
    { address: '10.231.9.1', port: 80 },
    { address: '10.231.1.11', port: 15_001 },
  ];
  const text = hex(connectProgram([{ from, to }]));
  assert.deepEqual(text.slice(2, 7), [
    // 10.231.9.1, port 80 = 0x0050
    '56 02 0600 0ae70901',
    '56 03 0500 00500000',
    // 10.231.1.11, port 15001 = 0x3a99
    'b4 02 0000 0ae7010b',
    '63 21 0400 00000000',
    'b4 03 0000 3a990000',
  ]);
  assert.throws(() => connectProgram([{ from, to: { ...to, address: '::1' } }]), /::1 is no IPv4 address/);
});

const reason = whyNoBpf() ?? (process.getuid?.() === 0 ? null : 'needs root');

describe('the kernel', reason === null ? {} : { skip: `no bpf(2): ${reason}` }, () => {
  test('takes a program that is right, and says what is wrong with another', () => {
    const calls = new BpfCalls();
    closeSync(calls.load(CONNECT4, [set(0, 1), exit()]));
    assert.throws(
      () => calls.load(CONNECT4, [exit()]),
      /the kernel refuses the program connect4: EACCES .*R0 !read_ok/,
    );
  });

  test('gives a map whose values are zero', () => {
    const calls = new BpfCalls();
    const map = calls.createMap({ type: MAP_ARRAY, keyBytes: 4, valueBytes: 16, entries: 1 });
    assert.deepEqual(calls.lookUp(map, 0, 2), [0n, 0n]);
    assert.throws(() => calls.lookUp(map, 1, 2), /look-up: ENOENT/);
    closeSync(map);
  });
});
