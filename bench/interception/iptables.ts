/**
 * Interception by iptables, in the namespaces of the pods alone.
 *
 *   REDIRECT   nat OUTPUT, nat PREROUTING: the kernel rewrites the destination of the first packet and keeps it for the connection
 *              (conntrack); the proxy accepts at its own address.
 *   TPROXY     mangle PREROUTING: the packet stays as it is, and the proxy's socket is found for it (IP_TRANSPARENT). What the pod
 *              itself sends passes no PREROUTING: it is marked in OUTPUT and routed to `lo`, through which it comes in again.
 *
 * A chain without rules still hangs on the path of every packet, that of `nat` with all of conntrack: `off` removes the chains, too.
 */
import { execFileSync } from 'node:child_process';
import type { InterceptedPods, Interception } from './interception.ts';
import { PROXY_GROUP } from './interception.ts';

/** Mark and routing table of packets that are to come in through `lo`. */
const MARK = '0x539';
const ROUTES = '133';

interface Rules {
  readonly table: 'nat' | 'mangle';
  readonly client: readonly string[];
  readonly server: readonly string[];
}

type RulesOf = (pods: InterceptedPods) => Rules;

const redirectRules: RulesOf = ({ outbound, inbound, service }) => ({
  table: 'nat',
  client: [
    `-A OUTPUT -p tcp -m owner --gid-owner ${PROXY_GROUP} -j RETURN`,
    `-A OUTPUT -p tcp -o eth0 -j REDIRECT --to-ports ${outbound.port}`,
  ],
  server: [`-A PREROUTING -i eth0 -p tcp --dport ${service.port} -j REDIRECT --to-ports ${inbound.port}`],
});

const tproxyRules: RulesOf = ({ outbound, inbound, service }) => ({
  table: 'mangle',
  client: [
    `-A OUTPUT -p tcp -m owner --gid-owner ${PROXY_GROUP} -j RETURN`,
    `-A OUTPUT -p tcp -o eth0 -j MARK --set-mark ${MARK}`,
    ...diverted(`-i lo -p tcp -m mark --mark ${MARK}`, outbound.port),
  ],
  server: diverted(`-i eth0 -p tcp --dport ${service.port}`, inbound.port),
});

/** Packets of connections that the proxy has are let through; only the first one looks for a listener. */
function diverted(match: string, port: number): string[] {
  return [
    `-A PREROUTING ${match} -m socket --transparent -j ACCEPT`,
    `-A PREROUTING ${match} -j TPROXY --on-port ${port} --tproxy-mark ${MARK}`,
  ];
}

export function redirectInterception(pods: InterceptedPods): Interception {
  return new IptablesInterception('redirect', pods, redirectRules(pods));
}

export function tproxyInterception(pods: InterceptedPods): Interception {
  return new IptablesInterception('tproxy', pods, tproxyRules(pods));
}

/** `undefined`: not installed. */
export function iptablesVersion(): string | undefined {
  try {
    const text = execFileSync('iptables', ['--version'], { encoding: 'utf8' });
    return text.replace(/^iptables v?/, '').trim();
  } catch {
    return undefined;
  }
}

class IptablesInterception implements Interception {
  readonly name: string;
  readonly #pods: InterceptedPods;
  readonly #rules: Rules;

  constructor(name: string, pods: InterceptedPods, rules: Rules) {
    this.name = name;
    this.#pods = pods;
    this.#rules = rules;
  }

  on(): void {
    const { client, server } = this.#pods;
    try {
      this.#add(client, this.#rules.client);
      this.#add(server, this.#rules.server);
      if (this.#rules.table === 'mangle') {
        inside(client, ['ip', 'rule', 'add', 'fwmark', MARK, 'lookup', ROUTES]);
        inside(client, ['ip', 'route', 'add', 'local', 'default', 'dev', 'lo', 'table', ROUTES]);
      }
    } catch (error) {
      this.off();
      throw error;
    }
  }

  off(): void {
    const { client, server } = this.#pods;
    const { table } = this.#rules;
    for (const namespace of [client, server]) {
      attempt(namespace, ['iptables', '-w', '-t', table, '-F']);
      attempt(namespace, ['iptables', '-w', '-t', table, '-X']);
    }
    if (table === 'nat') return;
    attempt(client, ['ip', 'rule', 'del', 'fwmark', MARK, 'lookup', ROUTES]);
    attempt(client, ['ip', 'route', 'flush', 'table', ROUTES]);
  }

  /** It holds nothing beside its rules. */
  close(): void {
    this.off();
  }

  #add(namespace: string, rules: readonly string[]): void {
    const text = [`*${this.#rules.table}`, ...rules, 'COMMIT', ''].join('\n');
    inside(namespace, ['iptables-restore', '-w', '--noflush'], text);
  }
}

/** Rules that were never made, and a namespace that is gone, need no end. */
function attempt(namespace: string, command: readonly string[]): void {
  try {
    inside(namespace, command);
  } catch {
    // As wanted.
  }
}

/** @throws with what the command said. */
function inside(namespace: string, command: readonly string[], input = ''): void {
  const args = ['netns', 'exec', namespace, ...command];
  execFileSync('ip', args, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] });
}
