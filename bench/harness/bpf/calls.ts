/**
 * The system call `bpf(2)`: maps, programs, and where programs are attached. It takes a command and a structure, whose fields lie
 * elsewhere for each command (`union bpf_attr` of the kernel's linux/bpf.h).
 *
 * All that is made is a descriptor and lasts as long as it is open: a program that hangs on a cgroup by a link, or on a map, is
 * gone with the process at the latest, however that one ends. Whoever is given a descriptor closes it (`fs.closeSync`).
 */
import { errno, errnoName, prepareErrno } from '../../../src/os/errno.ts';
import { WORD, bind } from '../../../src/os/library.ts';
import { Scratch } from '../../../src/os/memory.ts';
import { probeSyscalls } from '../../../src/os/probe.ts';
import { INSTRUCTION_BYTES, assemble } from './instructions.ts';
import type { Line } from './instructions.ts';

/** Numbers of the call, by architecture (asm/unistd.h). */
const SYSCALL: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 321, arm64: 280 };

const MAP_CREATE = 0;
const MAP_LOOKUP_ELEM = 1;
const PROG_LOAD = 5;
const PROG_ATTACH = 8;
const LINK_CREATE = 28;

/** `enum bpf_map_type`. */
export const MAP_ARRAY = 2;
export const MAP_SOCKHASH = 18;

/** `enum bpf_prog_type` and `enum bpf_attach_type` of what may hang on a cgroup or on a map of sockets. */
export const CONNECT4 = { name: 'connect4', program: 18, attach: 10 } as const;
export const SOCK_OPS = { name: 'sock_ops', program: 13, attach: 3 } as const;
export const SK_MSG = { name: 'sk_msg', program: 16, attach: 7 } as const;
export type ProgramKind = typeof CONNECT4 | typeof SOCK_OPS | typeof SK_MSG;

export interface MapOptions {
  readonly type: typeof MAP_ARRAY | typeof MAP_SOCKHASH;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly entries: number;
}

/** The kernel asks what programs under the GPL alone may do: none of it is done here. */
const LICENSE = 'Apache-2.0\0';

/** Places in the memory that the kernel reads and writes. */
const ATTRIBUTES_AT = 0;
const ATTRIBUTES_BYTES = 128;
const KEY_AT = 128;
const VALUE_AT = 256;
const LICENSE_AT = 512;
const CODE_AT = 1024;
const LOG_AT = 16_384;
const LOG_BYTES = 49_152;
const LAST_WORDS_LINES = 3;

/** Null: the call can be made, though the kernel may still refuse. */
export function whyNoBpf(): string | null {
  if (SYSCALL[process.arch] === undefined) return `no number of bpf(2) is known for ${process.arch}`;
  return probeSyscalls();
}

export class BpfCalls {
  readonly #memory = new Scratch(LOG_AT + LOG_BYTES);
  readonly #c = bind({ syscall: { return: 'i32', arguments: [WORD, WORD, WORD, WORD] } });

  constructor() {
    prepareErrno();
    this.#memory.bytes.write(LICENSE, LICENSE_AT, 'latin1');
  }

  /** @throws where the kernel refuses, as all of these. */
  createMap({ type, keyBytes, valueBytes, entries }: MapOptions): number {
    const { u32 } = this.#cleared();
    u32.set([type, keyBytes, valueBytes, entries]);
    return this.#call(MAP_CREATE, 'map');
  }

  /** Value of a key of 32 bits, as integers of 64. */
  lookUp(map: number, key: number, integers: number): bigint[] {
    const { u32, bytes } = this.#cleared();
    u32[0] = map;
    this.#pointAt(8, KEY_AT);
    this.#pointAt(16, VALUE_AT);
    u32[KEY_AT >> 2] = key;
    this.#call(MAP_LOOKUP_ELEM, 'look-up');
    return Array.from({ length: integers }, (_, index) => bytes.readBigUInt64LE(VALUE_AT + index * 8));
  }

  /** What the verifier says of a program that it refuses stands at the end of the error. */
  load({ name, program, attach }: ProgramKind, lines: readonly Line[]): number {
    const code = assemble(lines);
    if (code.length > LOG_AT - CODE_AT) throw new RangeError(`${name}: ${code.length} bytes of code`);
    const { u32, bytes } = this.#cleared();
    bytes.set(code, CODE_AT);
    bytes.fill(0, LOG_AT, LOG_AT + LOG_BYTES);
    u32[0] = program;
    u32[1] = code.length / INSTRUCTION_BYTES;
    this.#pointAt(8, CODE_AT);
    this.#pointAt(16, LICENSE_AT);
    u32[68 >> 2] = attach;
    // Without a log first: a log that is too small would be an error of its own.
    const fd = this.#ask(PROG_LOAD);
    if (fd >= 0) return fd;
    u32[24 >> 2] = 1;
    u32[28 >> 2] = LOG_BYTES;
    this.#pointAt(32, LOG_AT);
    this.#ask(PROG_LOAD);
    const text = bytes
      .toString('latin1', LOG_AT, LOG_AT + LOG_BYTES)
      .replaceAll('\0', '')
      .trim();
    const said = text.split('\n').slice(-LAST_WORDS_LINES).join(' ');
    throw new Error(`the kernel refuses the program ${name}: ${errnoName(-fd)} ${said}`.trim());
  }

  /** On a cgroup, until the descriptor of the link that this gives is closed. `cgroup`: of its folder. */
  link(program: number, cgroup: number, { name, attach }: ProgramKind): number {
    const { u32 } = this.#cleared();
    u32.set([program, cgroup, attach]);
    return this.#call(LINK_CREATE, `${name} on a cgroup`);
  }

  /** On a map of sockets, as long as that is there. */
  attachToMap(program: number, map: number, { name, attach }: ProgramKind): void {
    const { u32 } = this.#cleared();
    u32.set([map, program, attach]);
    this.#call(PROG_ATTACH, `${name} on a map`);
  }

  #cleared(): Scratch {
    this.#memory.bytes.fill(0, ATTRIBUTES_AT, ATTRIBUTES_BYTES);
    return this.#memory;
  }

  #pointAt(field: number, place: number): void {
    this.#memory.bytes.writeBigUInt64LE(BigInt(this.#memory.address + place), field);
  }

  #call(command: number, what: string): number {
    const result = this.#ask(command);
    if (result < 0) throw new Error(`bpf(2), ${what}: ${errnoName(-result)}`);
    return result;
  }

  /** Negative: `-errno`. */
  #ask(command: number): number {
    const number = BigInt(SYSCALL[process.arch] ?? 0);
    const at = BigInt(this.#memory.address + ATTRIBUTES_AT);
    const result = this.#c.syscall(number, BigInt(command), at, BigInt(ATTRIBUTES_BYTES));
    return result < 0 ? -errno() : result;
  }
}
