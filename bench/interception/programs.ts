/**
 * The three programs of an interception by eBPF, as Merbridge has them. Each is called by the kernel in the process that makes the
 * call, before anything of it reaches the network.
 *
 *   connect(2)            CONNECT4   the address of a service becomes the proxy's
 *   connection is open    SOCK_OPS   both its sockets are noted in a map, each under its own addresses
 *   sendmsg(2)            SK_MSG     finds the socket at the other end in the map and puts the bytes into its queue: no TCP
 *
 * Only connections between two addresses that are the same (application and proxy of one pod) are noted: what goes to another pod
 * goes to another node. The key of a socket is its own address and its peer's, so it must be of one connection on the whole machine:
 * that is why a proxy is reached at its pod's address here and not at 127.0.0.1, which every pod has.
 */
import { isIPv4 } from 'node:net';
import {
  add,
  addInMemory,
  call,
  exit,
  jump,
  jumpIfEqual,
  jumpIfNull,
  jumpUnlessEqual,
  jumpUnlessSame,
  label,
  load,
  mapAddress,
  move,
  set,
  store,
  storeValue,
  toNetworkOrder,
} from '../harness/bpf/instructions.ts';
import type { Line } from '../harness/bpf/instructions.ts';
import type { Endpoint } from '../topology/proxy-config.ts';

export interface Rewrite {
  readonly from: Endpoint;
  readonly to: Endpoint;
}

/** Bytes of a key: remote and local address, remote and local port, 32 bits each, in network byte order. */
export const KEY_BYTES = 16;
/** Of the counter: messages that were redirected, and their bytes. */
export const COUNTER_INTEGERS = 2;

/** Places of fields in what a program gets as its context (linux/bpf.h). */
const SOCK_ADDR = { ip: 4, port: 24 } as const;
const OPS = { op: 0, family: 20, remoteIp: 24, localIp: 28, remotePort: 64, localPort: 68 } as const;
const MSG = { remoteIp: 20, localIp: 24, remotePort: 60, localPort: 64, size: 68 } as const;

/** `enum bpf_func_id`. */
const MAP_LOOKUP_ELEM = 1;
const SOCK_HASH_UPDATE = 70;
const MSG_REDIRECT_HASH = 71;

/** Operations of SOCK_OPS: this side's connect has succeeded; a connection has been accepted. */
const ACTIVE_ESTABLISHED = 4;
const PASSIVE_ESTABLISHED = 5;
const AF_INET = 2;
/** Into the queue of what the other socket reads; without it: of what it sends. */
const F_INGRESS = 1;
const SK_PASS = 1;
const ALLOW = 1;

/** The address as the kernel holds it: four bytes in network order, read as one number. */
function ipWord(address: string): number {
  if (!isIPv4(address)) throw new RangeError(`${address} is no IPv4 address`);
  return Buffer.from(address.split('.').map(Number)).readInt32LE();
}

/** A port in network byte order in the lower half of a word. */
function portWord(port: number): number {
  return ((port & 0xff) << 8) | (port >> 8);
}

/** The first rule that fits counts. */
export function connectProgram(rules: readonly Rewrite[]): Line[] {
  return [
    load(2, 1, SOCK_ADDR.ip),
    load(3, 1, SOCK_ADDR.port),
    ...rules.flatMap(({ from, to }, index): Line[] => {
      const next = `rule ${index + 2}`;
      return [
        jumpUnlessEqual(2, ipWord(from.address), next),
        jumpUnlessEqual(3, portWord(from.port), next),
        set(2, ipWord(to.address)),
        store(1, SOCK_ADDR.ip, 2),
        set(3, portWord(to.port)),
        store(1, SOCK_ADDR.port, 3),
        jump('allow'),
        label(next),
      ];
    }),
    label('allow'),
    set(0, ALLOW),
    exit(),
  ];
}

export function sockOpsProgram(sockets: number): Line[] {
  return [
    load(2, 1, OPS.op),
    jumpIfEqual(2, ACTIVE_ESTABLISHED, 'open'),
    jumpUnlessEqual(2, PASSIVE_ESTABLISHED, 'done'),
    label('open'),
    load(2, 1, OPS.family),
    jumpUnlessEqual(2, AF_INET, 'done'),
    load(2, 1, OPS.remoteIp),
    load(3, 1, OPS.localIp),
    jumpUnlessSame(2, 3, 'done'),
    // Under its own addresses, in the order in which its peer asks for it: local first.
    store(10, -16, 3),
    store(10, -12, 2),
    load(2, 1, OPS.localPort),
    toNetworkOrder(2),
    store(10, -8, 2),
    load(2, 1, OPS.remotePort),
    store(10, -4, 2),
    // bpf_sock_hash_update(context, map, key, flags)
    ...mapAddress(2, sockets),
    move(3, 10),
    add(3, -KEY_BYTES),
    set(4, 0),
    call(SOCK_HASH_UPDATE),
    label('done'),
    set(0, ALLOW),
    exit(),
  ];
}

/** A socket whose peer is not in the map (yet) sends by TCP: nothing is lost, and nothing is kept back. */
export function skMsgProgram(sockets: number, counter: number): Line[] {
  return [
    move(6, 1),
    // The peer's key: what is remote here is local there.
    load(2, 6, MSG.remoteIp),
    store(10, -16, 2),
    load(2, 6, MSG.localIp),
    store(10, -12, 2),
    load(2, 6, MSG.remotePort),
    store(10, -8, 2),
    load(2, 6, MSG.localPort),
    toNetworkOrder(2),
    store(10, -4, 2),
    // bpf_msg_redirect_hash(context, map, key, flags)
    ...mapAddress(2, sockets),
    move(3, 10),
    add(3, -KEY_BYTES),
    set(4, F_INGRESS),
    call(MSG_REDIRECT_HASH),
    jumpUnlessEqual(0, SK_PASS, 'pass'),
    // *bpf_map_lookup_elem(map, key 0) += { 1, size }
    storeValue(10, -4, 0),
    ...mapAddress(1, counter),
    move(2, 10),
    add(2, -4),
    call(MAP_LOOKUP_ELEM),
    jumpIfNull(0, 'pass'),
    set(1, 1),
    addInMemory(0, 0, 1),
    load(1, 6, MSG.size),
    addInMemory(0, 8, 1),
    label('pass'),
    set(0, SK_PASS),
    exit(),
  ];
}
