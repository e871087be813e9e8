/**
 * Builds a stage of the Dockerfile as a folder: exactly what its COPY lines copy of what `.dockerignore` lets through. `npm ci` becomes
 * links to those of the installed packages that the lock file gives for its options; `npm run build` is run. So a file or a package that
 * is not in the image is missing here as well.
 *
 *   context (project) --ignore--> stage folder <--COPY --from-- stage folder
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { dockerIgnore } from './docker-ignore.ts';
import type { Ignored } from './docker-ignore.ts';
import { copyOf, parseDockerfile } from './dockerfile.ts';
import type { Instruction, Stage } from './dockerfile.ts';

export interface Image {
  /** What `/` is in the image. */
  readonly root: string;
  readonly workdir: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly user: string;
  /** Folders given to `node`. */
  readonly owned: readonly string[];
}

interface LockedPackage {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
}

/** While a stage is built. */
interface Building {
  readonly root: string;
  workdir: string;
  readonly environment: Record<string, string>;
  entrypoint: readonly string[];
  command: readonly string[];
  user: string;
  readonly owned: string[];
}

export class ImageBuilder {
  readonly #project: string;
  readonly #folder: string;
  readonly #stages: readonly Stage[];
  readonly #ignored: Ignored;
  readonly #built = new Map<string, Image>();

  /** Images go to `folder`. */
  constructor(project: string, folder: string) {
    this.#project = project;
    this.#folder = folder;
    this.#stages = parseDockerfile(readFileSync(join(project, 'Dockerfile'), 'utf8'));
    this.#ignored = dockerIgnore(readFileSync(join(project, '.dockerignore'), 'utf8'));
  }

  build(name: string): Image {
    const done = this.#built.get(name);
    if (done !== undefined) return done;
    const stage = this.#stages.find((each) => each.name === name);
    if (stage === undefined) throw new Error(`no stage ${name} in the Dockerfile`);
    const image: Building = {
      root: join(this.#folder, name),
      workdir: '/',
      environment: {},
      entrypoint: [],
      command: [],
      user: '0:0',
      owned: [],
    };
    mkdirSync(image.root, { recursive: true });
    for (const instruction of stage.instructions) this.#carryOut(instruction, image);
    this.#built.set(name, image);
    return image;
  }

  #carryOut(instruction: Instruction, image: Building): void {
    const { kind, text, line } = instruction;
    switch (kind) {
      case 'WORKDIR':
        image.workdir = text;
        mkdirSync(join(image.root, text), { recursive: true });
        break;
      case 'ENV':
        image.environment[text.split('=')[0] ?? ''] = text.split('=')[1] ?? '';
        break;
      case 'USER':
        image.user = text;
        break;
      case 'ENTRYPOINT':
        image.entrypoint = JSON.parse(text) as string[];
        break;
      case 'CMD':
        image.command = JSON.parse(text) as string[];
        break;
      case 'COPY':
        this.#copy(instruction, image);
        break;
      case 'RUN':
        this.#run(text.replace(/^--mount=\S+ /, ''), image, line);
        break;
      case 'ARG':
        throw new Error(`Dockerfile:${line}: ARG is not known here`);
    }
  }

  #copy(instruction: Instruction, { root, workdir }: Building): void {
    const { from, sources, target } = copyOf(instruction);
    const into = target.startsWith('/') ? join(root, target) : join(root, workdir, target);
    for (const source of sources) {
      const base = from === null ? this.#project : this.build(from).root;
      const paths = globSync(source.replace(/^\//, ''), { cwd: base });
      const files = from === null ? paths.flatMap((path) => this.#contextFiles(path)) : paths;
      if (files.length === 0)
        throw new Error(`Dockerfile:${instruction.line}: nothing to copy for ${source}: missing or ignored`);
      for (const path of paths) {
        const isFolder = statSync(join(base, path)).isDirectory();
        const to = isFolder || !target.endsWith('/') ? into : join(into, basename(path));
        mkdirSync(dirname(to), { recursive: true });
        const filter = (each: string): boolean =>
          from !== null || statSync(each).isDirectory() || !this.#ignored(relative(this.#project, each));
        cpSync(join(base, path), to, { recursive: true, verbatimSymlinks: true, filter });
      }
    }
  }

  /** What of a file or a folder of the context the builder gets. */
  #contextFiles(path: string): string[] {
    const isFolder = statSync(join(this.#project, path)).isDirectory();
    const found = isFolder ? globSync(`${path}/**`, { cwd: this.#project }) : [path];
    return found.filter((each) => !statSync(join(this.#project, each)).isDirectory() && !this.#ignored(each));
  }

  #run(command: string, image: Building, line: number): void {
    const folder = join(image.root, image.workdir);
    const owned = /^mkdir -p (\S+) && chown node:node \1$/.exec(command)?.[1];
    if (/^npm ci( --\S+)*$/.test(command)) this.#install(folder, command.split(' '));
    else if (command === 'npm run build') npmRun('build', folder, line);
    else if (owned !== undefined) {
      mkdirSync(join(image.root, owned), { recursive: true });
      image.owned.push(owned);
    } else throw new Error(`Dockerfile:${line}: RUN ${command} is not known here`);
  }

  #install(folder: string, words: readonly string[]): void {
    if (!words.includes('--ignore-scripts'))
      throw new Error('npm ci would run `prepare` without the sources');
    for (const file of ['package.json', '.npmrc'])
      if (!existsSync(join(folder, file))) throw new Error(`npm ci without ${file}`);
    const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, LockedPackage>;
    };
    const [noDev, noOptional] = [words.includes('--omit=dev'), words.includes('--omit=optional')];
    for (const [path, { dev, optional, devOptional }] of Object.entries(lock.packages)) {
      const omitted =
        (noDev && dev === true) ||
        (noOptional && optional === true) ||
        (noDev && noOptional && devOptional === true);
      const installed = join(this.#project, path);
      // Below another package it comes with that one; packages for other platforms are not there.
      if (path === '' || path.lastIndexOf('node_modules/') > 0 || omitted || !existsSync(installed)) continue;
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      symlinkSync(installed, join(folder, path));
    }
  }
}

/** A script of package.json that is one command of node. */
function npmRun(script: string, folder: string, line: number): void {
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const [node, ...args] = scripts[script]?.split(' ') ?? [];
  if (node !== 'node') throw new Error(`Dockerfile:${line}: npm run ${script} is not known here`);
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`Dockerfile:${line}: npm run ${script}: ${stderr}`);
}
