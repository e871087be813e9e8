/**
 * The network as namespaces: one for each pod, with an interface of its own, and one for each node, with a bridge that its pods hang
 * on and a link to the other node. Nothing is made outside of them: the machine's own interfaces and routes stay as they are.
 *
 *   c1 eth0 -- p1 |       |                |       | p1 -- eth0 s1
 *   c2 eth0 -- p2 | br0   n1 wire -- wire n2   br0 | p2 -- eth0 s2
 *
 * A namespace is named `npb-<pid>-<start>-<n>-<place>` by the process that made it, and `start` (in ticks since the machine's)
 * tells that process from a later one with its id: namespaces whose process is gone are removed at the start of the next run.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Network, Place, ServerPlace } from './network.ts';
import { placesOf, relayPorts } from './network.ts';

const MARK = 'npb';
/** Where `ip netns` keeps its names. */
const NAMES = '/run/netns';
/** Private addresses (RFC 1918); they are seen in the namespaces alone. */
const PREFIX = '10.231';
const START_TIME_FIELD = 19;
const FIRST_RELAY_PORT = 20_000;

let made = 0;

/** Null: they can be had. */
export function whyNoNamespaces(): string | null {
  if (process.platform !== 'linux') return `this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'needs root';
  const probe = `${ownMark()}-probe`;
  try {
    ip(['netns', 'add', probe]);
    ip(['netns', 'del', probe]);
    return null;
  } catch (error) {
    return `ip netns does not work: ${messageOf(error)}`;
  }
}

/** Names of all namespaces of benchmarks. */
export function namespaceNames(): string[] {
  if (!existsSync(NAMES)) return [];
  return readdirSync(NAMES).filter((name) => name.startsWith(`${MARK}-`));
}

/** Those of benchmarks that were killed, with what still runs in them; their names. */
export function removeLeftovers(): string[] {
  const leftovers = namespaceNames().filter((name) => !hasOwner(name));
  removeNamespaces(leftovers);
  return leftovers;
}

export class NamespaceNetwork implements Network {
  readonly kind = 'namespaces';
  readonly clients: readonly Place[];
  readonly servers: readonly ServerPlace[];
  readonly nodes: readonly [Place, Place];
  readonly nodeListens = ['0.0.0.0'];
  readonly ports: Network['ports'];
  readonly #names: readonly string[];

  private constructor(mark: string, pods: number) {
    const { clients, servers, nodes } = placesOf(PREFIX, pods, (name) => [
      'ip',
      'netns',
      'exec',
      `${mark}-${name}`,
    ]);
    this.clients = clients;
    this.servers = servers;
    this.nodes = nodes;
    const relay = Array.from({ length: relayPorts(pods) }, (_, index) => FIRST_RELAY_PORT + index);
    this.ports = { service: 8080, outbound: 15_001, inbound: 15_006, relay };
    this.#names = [...clients, ...servers, ...nodes].map(({ name }) => `${mark}-${name}`);
  }

  /** @throws where a step fails; what was made until then is gone again. */
  static open(pods: number, note: (text: string) => void): NamespaceNetwork {
    const leftovers = removeLeftovers();
    if (leftovers.length > 0) note(`removed ${leftovers.length} namespaces of a run that was killed`);
    made += 1;
    const network = new NamespaceNetwork(`${ownMark()}-${made}`, pods);
    try {
      network.#make();
    } catch (error) {
      network.close();
      throw error;
    }
    return network;
  }

  close(): void {
    const there = new Set(namespaceNames());
    removeNamespaces(this.#names.filter((name) => there.has(name)));
  }

  #make(): void {
    const [first, second] = this.nodes;
    ipBatch(this.#names.map((name) => `netns add ${name}`));
    const [one, two] = [namespaceOf(first), namespaceOf(second)];
    ipBatch([`link add wire netns ${one} type veth peer name wire netns ${two}`]);
    this.#makeNode(first, this.clients, [], 1);
    this.#makeNode(
      second,
      this.servers,
      this.servers.map(({ nodeAddress }) => nodeAddress),
      2,
    );
  }

  /** `standIns`: further addresses of the node. */
  #makeNode(node: Place, pods: readonly Place[], standIns: readonly string[], number: 1 | 2): void {
    const other = 3 - number;
    ipBatch(
      [
        'link set lo up',
        'link add br0 type bridge',
        ...[node.address, ...standIns].map((address) => `addr add ${address}/24 dev br0`),
        'link set br0 up',
        `addr add ${PREFIX}.0.${number}/30 dev wire`,
        'link set wire up',
        `route add ${PREFIX}.${other}.0/24 via ${PREFIX}.0.${other}`,
        ...pods.flatMap((pod, index) => [
          `link add p${index + 1} type veth peer name eth0 netns ${namespaceOf(pod)}`,
          `link set p${index + 1} master br0 up`,
        ]),
      ],
      namespaceOf(node),
    );
    setIp(node, { ip_forward: '1' });
    for (const pod of pods)
      ipBatch(
        [
          'link set lo up',
          `addr add ${pod.address}/24 dev eth0`,
          'link set eth0 up',
          `route add default via ${node.address}`,
        ],
        namespaceOf(pod),
      );
    // A client that opens a connection for each request has closed ones waiting for a minute: they must not use up its ports.
    for (const pod of pods) setIp(pod, { tcp_tw_reuse: '1', ip_local_port_range: '1024 65535' });
  }
}

/** Of the kernel, for one namespace. */
function setIp(place: Place, settings: Readonly<Record<string, string>>): void {
  const script = Object.entries(settings).map(([name, value]) => `echo ${value} >/proc/sys/net/ipv4/${name}`);
  ip(['netns', 'exec', namespaceOf(place), 'sh', '-ec', script.join('\n')]);
}

export function namespaceOf({ command }: Place): string {
  return command.at(-1) ?? '';
}

/** Those that are gone already, and processes that end meanwhile, are no errors. */
function removeNamespaces(names: readonly string[]): void {
  for (const name of names) {
    for (const pid of pidsIn(name)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
  }
  if (names.length > 0)
    ipBatch(
      names.map((name) => `netns del ${name}`),
      undefined,
      ['-force'],
    );
}

function pidsIn(name: string): number[] {
  try {
    return ip(['netns', 'pids', name])
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 1 && pid !== process.pid);
  } catch {
    return [];
  }
}

/** Of this process: what it makes is named so. */
export function ownMark(): string {
  return `${MARK}-${process.pid}-${startOf(process.pid) ?? 0}`;
}

/** Whether the process that made it, by its name, is alive. */
export function hasOwner(name: string): boolean {
  const [, pid = '', start = ''] = name.split('-');
  return /^\d+$/.test(pid) && startOf(Number(pid)) === Number(start);
}

/** When the process began; `undefined`: there is none. */
function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_TIME_FIELD]);
  } catch {
    return undefined;
  }
}

function ipBatch(lines: readonly string[], namespace?: string, flags: readonly string[] = []): void {
  const inside = namespace === undefined ? [] : ['-n', namespace];
  try {
    ip([...flags, ...inside, '-batch', '-'], `${lines.join('\n')}\n`);
  } catch (error) {
    if (!flags.includes('-force')) throw error;
  }
}

/** @throws with what `ip` said. */
function ip(args: readonly string[], input = ''): string {
  return execFileSync('ip', args, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] });
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split('\n').at(-1) ?? '';
}
