/**
 * Builds `dist/`: what the command, `npm start` and every benchmark run. Called by `npm ci` (`prepare`) and `npm run build`.
 *
 * The native compiler emits JavaScript from `src/`, then whatever is not TypeScript (the schema of Envoy's messages, pages) is
 * copied beside it. `dist/` is replaced as a whole: built into a folder next to it, then moved, so that no half build is ever run.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'src');
const target = join(root, 'dist');
const fresh = join(root, `dist.${process.pid}`);

/** Path of the compiler's command. Null where development dependencies were left out: then a build must be there already. */
function compiler(): string | null {
  try {
    const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
    return join(dirname(manifest), 'bin', 'tsc');
  } catch {
    return null;
  }
}

/** Emits without checking: types are `npm run types`, a part of `npm test`. */
function emit(tsc: string): void {
  const args = [tsc, '--project', join(root, 'tsconfig.build.json'), '--outDir', fresh, '--noCheck'];
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (result.status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    throw new Error(`build: the compiler failed with status ${result.status ?? result.signal}`);
  }
}

function copyAssets(): void {
  cpSync(source, fresh, { recursive: true, filter: (path) => !path.endsWith('.ts') });
}

/** A package installed without the development dependencies ships `dist/` and has no compiler: nothing to do there. */
function build(): void {
  const tsc = compiler();
  if (tsc === null) {
    if (existsSync(join(target, 'main.js'))) return;
    throw new Error(
      'build: typescript is not installed and dist/ is missing: run `npm ci` with development dependencies',
    );
  }
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh);
  emit(tsc);
  copyAssets();
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
}

build();
