/**
 * `docker compose --profile NAME up` with local processes: images as folders, containers in the order of `depends_on`, each on an
 * address of its own, binds and volumes as folders of this run. What is left out is named in `addresses.ts` and `container.ts`.
 *
 *   const run = await ComposeRun.up(project, 'nodeproxy', { SECONDS: '1' });
 *   … await run.container('client').exited() … await run.down();
 */
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CORE_SCHEMA, load, mergeTag } from 'js-yaml';
import { Addresses } from './addresses.ts';
import { ofProfile, readCompose } from './compose-file.ts';
import type { Mount, Service } from './compose-file.ts';
import { Container } from './container.ts';
import type { Ended } from './container.ts';
import { ImageBuilder } from './image.ts';
import type { Image } from './image.ts';

/** `node` of the base image. */
const NODE_USER = 1000;

export class ComposeRun {
  readonly folder: string;
  /** `started one`, `healthy one`, in the order in which it happened. */
  readonly events: string[] = [];
  readonly addresses: Addresses;
  readonly #project: string;
  readonly #services: ReadonlyMap<string, Service>;
  readonly #names: readonly string[];
  readonly #containers = new Map<string, Container>();
  readonly #images: ImageBuilder;

  private constructor(project: string, profile: string, environment: Readonly<Record<string, string>>) {
    const all = readCompose(join(project, 'docker-compose.yml'), environment);
    this.#project = project;
    this.#names = [...all.keys()];
    this.#services = ofProfile(all, profile);
    this.addresses = new Addresses(this.#services, process.pid);
    this.folder = mkdtempSync(join(tmpdir(), 'nodeproxy-compose-'));
    chmodSync(this.folder, 0o755);
    this.#images = new ImageBuilder(project, join(this.folder, 'images'));
  }

  /** Resolves when the client was started, which waits for all others. Nothing is left behind when it rejects. */
  static async up(
    project: string,
    profile: string,
    environment: Readonly<Record<string, string>>,
  ): Promise<ComposeRun> {
    const run = new ComposeRun(project, profile, environment);
    try {
      // All before the first container starts, as Compose does it.
      for (const { target } of run.#services.values()) if (target !== null) run.#images.build(target);
      const starting = new Map<string, Promise<void>>();
      for (const name of run.#services.keys()) void run.#start(name, starting, []);
      await Promise.all(starting.values());
      return run;
    } catch (error) {
      await run.down();
      throw error;
    }
  }

  container(name: string): Container {
    const container = this.#containers.get(name);
    if (container === undefined) throw new Error(`no container ${name}`);
    return container;
  }

  /** Of the profile, the ones that run. */
  get services(): Service[] {
    return [...this.#services.values()];
  }

  /** Folder of the host. */
  volume(name: string): string {
    return join(this.folder, 'volumes', name);
  }

  get results(): string {
    return join(this.folder, 'results');
  }

  /** Ends what runs, the last started first, and removes the folder. */
  async down(): Promise<Map<string, Ended>> {
    const ended = new Map<string, Ended>();
    const started = this.events.filter((event) => event.startsWith('started '));
    for (const event of started.toReversed()) {
      const name = event.slice('started '.length);
      ended.set(name, await this.container(name).stop());
    }
    rmSync(this.folder, { recursive: true, force: true });
    return ended;
  }

  /** Each once, however many depend on it; `above` are those that wait for it. */
  #start(name: string, starting: Map<string, Promise<void>>, above: readonly string[]): Promise<void> {
    if (above.includes(name)) throw new Error(`a circle: ${[...above, name].join(' -> ')}`);
    const known = starting.get(name);
    if (known !== undefined) return known;
    const begun = this.#startOne(name, starting, [...above, name]);
    starting.set(name, begun);
    return begun;
  }

  async #startOne(
    name: string,
    starting: Map<string, Promise<void>>,
    above: readonly string[],
  ): Promise<void> {
    const service = this.#services.get(name);
    if (service === undefined) throw new Error(`${above.at(-2)} needs ${name}, which its profile has not`);
    const waits = service.dependencies
      .filter(({ on, required }) => required || this.#services.has(on))
      .map(async ({ on, condition }) => {
        await this.#start(on, starting, above);
        if (condition === 'service_healthy') await this.#healthy(on);
      });
    if (service.joins !== null) waits.push(this.#start(service.joins, starting, above));
    await Promise.all(waits);
    const container = this.#create(service);
    container.start();
    this.events.push(`started ${name}`);
  }

  async #healthy(name: string): Promise<void> {
    await this.container(name).healthy();
    this.events.push(`healthy ${name}`);
  }

  #create(service: Service): Container {
    if (service.target === null) throw new Error(`${service.name}: image ${service.image} is not built here`);
    const image = this.#images.build(service.target);
    const root = join(this.folder, 'containers', service.name);
    for (const mount of service.mounts) {
      const place = join(root, mount.target);
      mkdirSync(dirname(place), { recursive: true });
      symlinkSync(this.#mounted(mount, service, image), place);
    }
    // Mounts and the folders above them: `/logs` as well as `/logs/node-a`.
    const tops = service.mounts.map(({ target }) => RegExp.escape(`/${target.split('/')[1]}`));
    const place = new RegExp(String.raw`(?<![\w./-])(?:${tops.join('|') || '$^'})(?![\w.-])`, 'g');
    const rewrite = (text: string): string =>
      this.addresses.rewritten(text, service, this.#names).replaceAll(place, (top) => join(root, top));
    const container = new Container(service, image, rewrite);
    for (const mount of service.mounts)
      if (mount.kind === 'bind' && mount.readOnly) this.#configure(mount, service, rewrite);
    this.#containers.set(service.name, container);
    return container;
  }

  /** The folder on the host; made where it is not there, as the engine makes it. */
  #mounted({ kind, source, target }: Mount, service: Service, image: Image): string {
    if (kind === 'bind' && source === './compose/results') {
      mkdirSync(this.results, { recursive: true });
      if (process.getuid?.() === 0) chownSync(this.results, NODE_USER, NODE_USER);
      return this.results;
    }
    if (kind === 'bind') return join(this.folder, 'configurations', service.name);
    const folder = this.volume(source);
    mkdirSync(folder, { recursive: true });
    // An empty volume takes over the owner of the folder that it hides.
    if (image.owned.includes(target) && process.getuid?.() === 0) chownSync(folder, NODE_USER, NODE_USER);
    return folder;
  }

  /** A copy of the folder with this machine's addresses and paths in its bootstraps. */
  #configure({ source }: Mount, service: Service, rewrite: (text: string) => string): void {
    const from = join(this.#project, source);
    if (!existsSync(from)) throw new Error(`${service.name}: ${source} is not there`);
    const to = join(this.folder, 'configurations', service.name);
    cpSync(from, to, { recursive: true });
    const used = readdirSync(to).filter((file) => service.command?.some((word) => word.endsWith(`/${file}`)));
    for (const file of used) {
      const yaml = load(readFileSync(join(to, file), 'utf8'), { schema: CORE_SCHEMA.withTags(mergeTag) });
      const names = this.#names;
      const located = JSON.stringify(yaml, (key, value: unknown) =>
        key === 'address' && typeof value === 'string' && names.includes(value)
          ? this.#resolved(value, service)
          : value,
      );
      writeFileSync(join(to, file), rewrite(located));
    }
  }

  #resolved(name: string, service: Service): string {
    const address = this.addresses.resolve(name, service);
    if (address === null) throw new Error(`${service.name} names ${name}, with which it shares no network`);
    return address;
  }
}
