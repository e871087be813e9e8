/**
 * `docker-compose.yml` as the engine of these tests needs it: merges and variables resolved, one profile picked. It understands what
 * the file uses and throws for anything else, so that nothing of the file is passed over in silence. Compose's own opinion of the file
 * is asked for in `docker-compose.test.ts`.
 */
import { readFileSync } from 'node:fs';
import { CORE_SCHEMA, load, mergeTag } from 'js-yaml';

export type Condition = 'service_started' | 'service_healthy';

export interface Dependency {
  readonly on: string;
  readonly condition: Condition;
  readonly required: boolean;
}

export interface Mount {
  /** `bind`: a path beside the compose file; `volume`: a name. */
  readonly kind: 'bind' | 'volume';
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface Health {
  readonly test: readonly string[];
  readonly everyMs: number;
}

export interface Service {
  readonly name: string;
  readonly profiles: readonly string[];
  /** Stage of the Dockerfile; null: an image from elsewhere. */
  readonly target: string | null;
  readonly image: string | null;
  readonly command: readonly string[] | null;
  readonly environment: Readonly<Record<string, string>>;
  readonly networks: readonly string[];
  /** The service whose network it joins. */
  readonly joins: string | null;
  readonly ports: readonly string[];
  readonly mounts: readonly Mount[];
  readonly dependencies: readonly Dependency[];
  readonly health: Health | null;
  readonly user: string | null;
  readonly graceMs: number;
}

type Yaml = Readonly<Record<string, unknown>>;
type Environment = Readonly<Record<string, string>>;

const KNOWN = new Set(
  (
    'build cap_drop command depends_on environment healthcheck image network_mode networks ' +
    'ports profiles security_opt stop_grace_period user volumes'
  ).split(' '),
);

/** All services, whatever their profile. */
export function readCompose(file: string, environment: Environment = {}): Map<string, Service> {
  const raw = load(readFileSync(file, 'utf8'), { schema: CORE_SCHEMA.withTags(mergeTag) });
  const { services } = interpolated(raw, environment) as { services: Readonly<Record<string, Yaml>> };
  return new Map(Object.entries(services).map(([name, service]) => [name, serviceOf(name, service)]));
}

/** Those that start with `--profile`. */
export function ofProfile(services: ReadonlyMap<string, Service>, profile: string): Map<string, Service> {
  const active = [...services].filter(
    ([, { profiles }]) => profiles.length === 0 || profiles.includes(profile),
  );
  return new Map(active);
}

/** `5s`, `500ms`. */
export function durationMs(text: string): number {
  const [, value = '', unit = ''] = /^(\d+)(ms|s)$/.exec(text) ?? [];
  if (value === '') throw new Error(`not a duration of this file: ${text}`);
  return Number(value) * (unit === 's' ? 1000 : 1);
}

function interpolated(value: unknown, environment: Environment): unknown {
  if (typeof value === 'string') return interpolatedText(value, environment);
  if (Array.isArray(value)) return value.map((each) => interpolated(each, environment));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, interpolated(each, environment)]),
  );
}

/** `${NAME:-default}`: the default also where NAME is empty. */
function interpolatedText(text: string, environment: Environment): string {
  const result = text.replaceAll(/\$\{([A-Z_]+):-([^}]*)\}/g, (_, name: string, otherwise: string) =>
    (environment[name] ?? '') === '' ? otherwise : (environment[name] ?? ''),
  );
  if (result.includes('$')) throw new Error(`a variable without a default: ${text}`);
  return result;
}

function serviceOf(name: string, yaml: Yaml): Service {
  for (const key of Object.keys(yaml)) if (!KNOWN.has(key)) throw new Error(`${name}.${key}: not known here`);
  const mode = yaml['network_mode'] as string | undefined;
  if (mode !== undefined && !mode.startsWith('service:')) throw new Error(`${name}.network_mode: ${mode}`);
  const health = yaml['healthcheck'] as Readonly<Record<string, string>> | undefined;
  return {
    name,
    profiles: strings(yaml['profiles']),
    target: (yaml['build'] as { target: string } | undefined)?.target ?? null,
    image: (yaml['image'] as string | undefined) ?? null,
    command: yaml['command'] === undefined ? null : strings(yaml['command']),
    environment: Object.fromEntries(
      Object.entries((yaml['environment'] ?? {}) as Yaml).map(([key, value]) => [key, String(value)]),
    ),
    networks: strings(yaml['networks']),
    joins: mode?.slice('service:'.length) ?? null,
    ports: strings(yaml['ports']),
    mounts: ((yaml['volumes'] ?? []) as readonly (string | Yaml)[]).map(mountOf),
    dependencies: Object.entries((yaml['depends_on'] ?? {}) as Readonly<Record<string, Yaml>>).map(
      dependencyOf,
    ),
    health: health === undefined ? null : healthOf(health),
    user: (yaml['user'] as string | undefined) ?? null,
    graceMs: durationMs(yaml['stop_grace_period'] as string),
  };
}

function dependencyOf([on, { condition, required = true, ...more }]: readonly [string, Yaml]): Dependency {
  if (Object.keys(more).length > 0) throw new Error(`depends_on.${on}: ${Object.keys(more).join(', ')}`);
  return { on, condition: condition as Condition, required: required as boolean };
}

function healthOf(yaml: Readonly<Record<string, unknown>>): Health {
  const [kind, ...test] = strings(yaml['test']);
  if (kind !== 'CMD') throw new Error(`healthcheck: ${kind}`);
  return {
    test,
    everyMs: durationMs(yaml['start_interval'] as string),
  };
}

/** `source:target[:ro]`, or the long form of a bind. */
function mountOf(mount: string | Yaml): Mount {
  if (typeof mount !== 'string') {
    const { type, source, target } = mount as Readonly<Record<string, string>>;
    if (type !== 'bind') throw new Error(`volumes: ${type}`);
    return { kind: 'bind', source: source ?? '', target: target ?? '', readOnly: false };
  }
  const [source = '', target = '', mode] = mount.split(':');
  return { kind: source.startsWith('.') ? 'bind' : 'volume', source, target, readOnly: mode === 'ro' };
}

function strings(value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new Error(`not a list: ${JSON.stringify(value)}`);
  return value.map(String);
}
