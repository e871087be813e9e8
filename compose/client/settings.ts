/**
 * What the client is told by its environment: where services and proxies are, and how to load them. `docker-compose.yml` holds the
 * defaults, so every variable must be there; a value that is none is the user's mistake and is named before anything is measured.
 */
export interface Endpoint {
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
}

export type WayName = 'direct' | 'sidecar' | 'nodeproxy';

/** How requests go to the services. */
export interface Way {
  readonly name: WayName;
  /** Whoever must answer for this way to be there: admins of its proxies, in `direct` the mark. */
  readonly marks: readonly Endpoint[];
  /** The first proxy on the way; null: none, requests go to the services themselves. */
  readonly entry: string | null;
}

export interface Settings {
  readonly services: readonly Endpoint[];
  readonly ways: readonly Way[];
  readonly connections: number;
  /** Of one measurement, and of the warm-up of each service; the latter may be 0. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly rounds: number;
  /** Requests per second in the measurement of latency; 0: leave that out. */
  readonly rate: number;
  readonly path: string;
  /** Folder for reports. */
  readonly results: string;
  /** Folder with a folder of logs for each proxy, of its name. */
  readonly logs: string;
  /** Worker threads of each proxy and the commit: only stated in the report. */
  readonly concurrency: number;
  readonly commit: string;
}

/** The user's mistake. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

type Environment = Readonly<Record<string, string | undefined>>;

export function readSettings(environment: Environment): Settings {
  const text = (name: string): string => {
    const value = environment[name]?.trim() ?? '';
    if (value === '') throw new SettingsError(`${name} is not set`);
    return value;
  };
  const number = (name: string, least: number, most: number): number => {
    const value = text(name);
    if (!/^\d+$/.test(value) || Number(value) < least || Number(value) > most)
      throw new SettingsError(`${name}=${value}: a whole number from ${least} to ${most} is needed`);
    return Number(value);
  };
  const path = text('REQUEST_PATH');
  if (!path.startsWith('/')) throw new SettingsError(`REQUEST_PATH=${path}: a path begins with /`);
  return {
    services: endpoints('SERVICES', text('SERVICES')),
    ways: [
      { name: 'direct', marks: endpoints('DIRECT_MARK', text('DIRECT_MARK')), entry: null },
      ...(['sidecar', 'nodeproxy'] as const).map((name) => {
        const [marks, entry] = [`${name.toUpperCase()}_ADMINS`, `${name.toUpperCase()}_ENTRY`];
        return { name, marks: endpoints(marks, text(marks)), entry: address(entry, text(entry)) };
      }),
    ],
    connections: number('CONNECTIONS', 1, 10_000),
    seconds: number('SECONDS', 1, 3600),
    warmUpSeconds: number('WARM_UP_SECONDS', 0, 3600),
    rounds: number('ROUNDS', 1, 100),
    rate: number('RATE', 0, 1_000_000),
    path,
    concurrency: number('CONCURRENCY', 1, 1024),
    results: text('RESULTS'),
    logs: text('LOGS'),
    commit: environment['COMMIT']?.trim() || 'unknown',
  };
}

/** `one=host:port two=host:port`. */
function endpoints(variable: string, list: string): Endpoint[] {
  const found = list.split(/\s+/).map((item) => {
    const [name = '', where = '', more] = item.split('=');
    if (name === '' || more !== undefined)
      throw new SettingsError(`${variable}: "${item}" is not name=host:port`);
    return { name, address: address(variable, where) };
  });
  if (new Set(found.map(({ name }) => name)).size < found.length)
    throw new SettingsError(`${variable}: a name stands there twice`);
  return found;
}

function address(variable: string, text: string): string {
  if (!/^[\w.-]+:\d{1,5}$/.test(text)) throw new SettingsError(`${variable}: "${text}" is not host:port`);
  return text;
}
