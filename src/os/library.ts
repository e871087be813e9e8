/**
 * The way to C: `node:ffi`, loaded once per thread, its experimental warning silenced here and nowhere else.
 *
 * Arguments of the calls that a connection makes, descriptors and flags too, are declared as machine words (`WORD`) and given as
 * BigInts. Node checks arguments of narrower types in JavaScript, one piece of code for all functions of as many arguments; a
 * function of words alone it hands out as it is, and compiled code calls that one directly. Measured on Node 26.10, x64, over
 * the C function: 10 ns, against 60 to 120 with three integers and 550 with four. `BigInt(n)` of a small integer, written in the
 * call, makes no object there.
 */
import type * as ffiModule from 'node:ffi';
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';

type Ffi = typeof ffiModule;

/** Loads the module without the warning that it is experimental. Throws where Node has none. */
function load(): Ffi {
  const loud = Object.getOwnPropertyDescriptor(process, 'emitWarning');
  process.emitWarning = () => undefined;
  try {
    return createRequire(import.meta.url)('node:ffi') as Ffi;
  } finally {
    if (loud !== undefined) Object.defineProperty(process, 'emitWarning', loud);
  }
}

/** Type of an argument that fills a register: an address, a size, a descriptor, flags. Never negative. */
export const WORD = 'pointer';

/**
 * How much the optimising compiler may inline into one function, in bytes of bytecode (V8: 920). The path of a request is many small
 * functions: with V8's own bound it costs 6 % more CPU, with twice as much as here nothing less (measured under load).
 */
function raiseInliningBudget(): void {
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=2500');
}

let loaded: Ffi | null = null;

export function ffi(): Ffi {
  if (loaded === null) {
    raiseInliningBudget();
    loaded = load();
  }
  return loaded;
}

/** Whether this Node has the module at all (it can be built or started without). */
export function hasFfi(): boolean {
  try {
    ffi();
    return true;
  } catch {
    return false;
  }
}

/** Functions of the process image: libc, and libuv as Node exports it. */
export function bind<const T extends ffiModule.FunctionDefinitions>(
  definitions: T,
): ffiModule.DynamicLibraryResult<T>['functions'] {
  return ffi().dlopen(null, definitions).functions;
}
