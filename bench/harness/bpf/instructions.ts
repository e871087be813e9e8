/**
 * An assembler for BPF, the kernel's instruction set for programs that it runs itself: as much of it as the programs of
 * `bench/interception/` need.
 *
 *   8 bytes:   code 8 bits | dst 4, src 4 | offset 16, signed | immediate 32, signed       (RFC 9669; little endian)
 *
 * Eleven registers of 64 bits. r0: result. r1 to r5: arguments of a call, lost by it; r1 is the context at the start. r6 to r9:
 * kept over calls. r10: end of the stack, 512 bytes, read only. Before it takes a program the kernel's verifier walks every path: it
 * knows what each register may hold, and refuses a read of what was never written.
 */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** A jump's `offset` counts instructions from the next one; `to` is a label until it is assembled. */
export interface Instruction {
  readonly code: number;
  readonly dst?: Register;
  readonly src?: number;
  readonly offset?: number;
  readonly immediate?: number;
  readonly to?: string;
}

export type Line = Instruction | { readonly label: string };

export const INSTRUCTION_BYTES = 8;

/** Classes and modes of `code` as RFC 9669 names them. */
const [ALU, JMP, JMP32, ALU64] = [0x04, 0x05, 0x06, 0x07];
const [LD, LDX, ST, STX] = [0x00, 0x01, 0x02, 0x03];
/** Source of an operand: the immediate or a register. */
const [K, X] = [0x00, 0x08];
const [MEM, ATOMIC, IMM] = [0x60, 0xc0, 0x00];
/** Size of a memory access: 32 and 64 bits. */
const [W, DW] = [0x00, 0x18];
const [ADD, MOV, END] = [0x00, 0xb0, 0xd0];
const TO_BE = 0x08;
const [JA, JEQ, JNE, CALL, EXIT] = [0x00, 0x10, 0x50, 0x80, 0x90];
/** `src` of a 64-bit immediate that is the descriptor of a map: the kernel puts its address there. */
const PSEUDO_MAP_FD = 1;

/** dst = src, 64 bits. */
export const move = (dst: Register, src: Register): Instruction => ({ code: ALU64 | MOV | X, dst, src });

/** dst = value: its lower 32 bits, the upper ones are cleared. */
export const set = (dst: Register, value: number): Instruction => ({
  code: ALU | MOV | K,
  dst,
  immediate: value,
});

/** dst += value. */
export const add = (dst: Register, value: number): Instruction => ({
  code: ALU64 | ADD | K,
  dst,
  immediate: value,
});

/** The lower 32 bits of dst in network byte order. */
export const toNetworkOrder = (dst: Register): Instruction => ({
  code: ALU | END | TO_BE,
  dst,
  immediate: 32,
});

/** dst = 32 bits at src + offset. */
export const load = (dst: Register, src: Register, offset: number): Instruction => ({
  code: LDX | MEM | W,
  dst,
  src,
  offset,
});

/** 32 bits at dst + offset = src. */
export const store = (dst: Register, offset: number, src: Register): Instruction => ({
  code: STX | MEM | W,
  dst,
  src,
  offset,
});

/** 32 bits at dst + offset = value. */
export const storeValue = (dst: Register, offset: number, value: number): Instruction => ({
  code: ST | MEM | W,
  dst,
  offset,
  immediate: value,
});

/** 64 bits at dst + offset += src, in one piece on all processors. */
export const addInMemory = (dst: Register, offset: number, src: Register): Instruction => ({
  code: STX | ATOMIC | DW,
  dst,
  src,
  offset,
  immediate: ADD,
});

/** dst = the map, as helpers take it: the one instruction of two slots. */
export const mapAddress = (dst: Register, fd: number): Instruction[] => [
  { code: LD | IMM | DW, dst, src: PSEUDO_MAP_FD, immediate: fd },
  { code: 0 },
];

export const jump = (to: string): Instruction => ({ code: JMP | JA, to });

/** On the lower 32 bits. */
export const jumpIfEqual = (dst: Register, value: number, to: string): Instruction => ({
  code: JMP32 | JEQ | K,
  dst,
  immediate: value,
  to,
});

export const jumpUnlessEqual = (dst: Register, value: number, to: string): Instruction => ({
  code: JMP32 | JNE | K,
  dst,
  immediate: value,
  to,
});

/** On all 64 bits of two registers. */
export const jumpUnlessSame = (dst: Register, src: Register, to: string): Instruction => ({
  code: JMP | JNE | X,
  dst,
  src,
  to,
});

/** On all 64 bits: what the verifier wants to see before the result of a look-up is used. */
export const jumpIfNull = (dst: Register, to: string): Instruction => ({
  code: JMP | JEQ | K,
  dst,
  immediate: 0,
  to,
});

/** r0 = helper(r1, …, r5), by its number in `enum bpf_func_id`. */
export const call = (helper: number): Instruction => ({ code: JMP | CALL, immediate: helper });

/** Ends the program with r0. */
export const exit = (): Instruction => ({ code: JMP | EXIT });

export const label = (name: string): Line => ({ label: name });

/** @throws RangeError for a jump to a label that is not there, or is twice. */
export function assemble(lines: readonly Line[]): Buffer {
  const places = new Map<string, number>();
  const code: Instruction[] = [];
  for (const line of lines) {
    if (!('label' in line)) code.push(line);
    else if (places.has(line.label)) throw new RangeError(`label ${line.label} is there twice`);
    else places.set(line.label, code.length);
  }
  const bytes = Buffer.alloc(code.length * INSTRUCTION_BYTES);
  for (const [index, line] of code.entries()) {
    const { dst = 0, src = 0, immediate = 0 } = line;
    const at = index * INSTRUCTION_BYTES;
    bytes.writeUInt8(line.code, at);
    bytes.writeUInt8((src << 4) | dst, at + 1);
    bytes.writeInt16LE(line.to === undefined ? (line.offset ?? 0) : distance(places, line.to, index), at + 2);
    bytes.writeInt32LE(immediate | 0, at + 4);
  }
  return bytes;
}

function distance(places: ReadonlyMap<string, number>, to: string, from: number): number {
  const place = places.get(to);
  if (place === undefined) throw new RangeError(`no label ${to}`);
  return place - (from + 1);
}
