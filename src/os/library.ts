/**
 * The way to C: `node:ffi`, loaded once per thread, its experimental warning silenced here and nowhere else.
 *
 * Signatures keep to what the optimised call path takes (measured on Node 26.10, x64): up to three arguments cost 20 to 130 ns
 * over the C function, four about 500; a 64-bit pointer as BigInt adds 50 ns, a Buffer argument 150. So the calls of the byte
 * path have three arguments, and their pointers are plain numbers: all memory handed to C lies below 2 GiB (`os/memory.ts`).
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

/**
 * Node wraps each C function in JavaScript that checks its arguments, one piece of code for all functions of as many arguments.
 * Only where the optimising compiler inlines that wrapper into its caller does it know which C function is called, and makes a
 * direct call of it; otherwise the call goes through libffi (measured: 50 against 300 ns). V8's default budget for inlining is
 * too small for the wrapper inside functions that do anything else; with this one a profile of the proxy under load shows no
 * read or write through libffi any more (with 5000: all of them).
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
