/**
 * Interception by programs of the kernel, as Merbridge has it: an address is replaced in connect(2), so that no packet is ever
 * rewritten; with sockmap, bytes between application and proxy of one pod do not become packets at all.
 *
 * Outbound and inbound are both decided in the client's pod: its application connects to the service's address, its proxy to the
 * pod's, and each is given the proxy's instead. Owns maps, programs and links; `close` ends all, and so does the end of the process.
 */
import { closeSync } from 'node:fs';
import type { BpfCalls } from '../harness/bpf/calls.ts';
import { CONNECT4, MAP_ARRAY, MAP_SOCKHASH, SK_MSG, SOCK_OPS } from '../harness/bpf/calls.ts';
import type { ProgramKind } from '../harness/bpf/calls.ts';
import type { InterceptedPods, Interception } from './interception.ts';
import type { PodCgroups } from './pod-cgroups.ts';
import { COUNTER_INTEGERS, KEY_BYTES, connectProgram, skMsgProgram, sockOpsProgram } from './programs.ts';

/** Twice the connections of a pod, both ends, for 5,000 of them. */
const MOST_SOCKETS = 65_536;

/** What went past TCP since the programs were loaded. */
export interface Redirected {
  readonly messages: number;
  readonly bytes: number;
}

export class BpfInterception implements Interception {
  readonly name: string;
  readonly #calls: BpfCalls;
  readonly #groups: PodCgroups;
  readonly #client: string;
  /** Programs and maps. */
  readonly #open: number[] = [];
  readonly #connect: number;
  readonly #sockets: { readonly program: number; readonly counter: number } | null;
  /** While it is on. */
  #links: number[] = [];

  /** `client`: the name of its pod. @throws where the kernel refuses a program, or to hang it on a group. */
  constructor(
    calls: BpfCalls,
    groups: PodCgroups,
    client: string,
    pods: InterceptedPods,
    kind: 'ebpf' | 'sockmap',
  ) {
    this.name = kind;
    this.#calls = calls;
    this.#groups = groups;
    this.#client = client;
    try {
      const rules = [
        { from: pods.virtual, to: pods.outbound },
        { from: pods.service, to: pods.inbound },
      ];
      this.#connect = this.#keep(calls.load(CONNECT4, connectProgram(rules)));
      this.#sockets = kind === 'sockmap' ? this.#sockmap() : null;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  on(): void {
    try {
      this.#link(this.#connect, this.#client, CONNECT4);
      if (this.#sockets !== null) this.#link(this.#sockets.program, null, SOCK_OPS);
    } catch (error) {
      this.off();
      throw error;
    }
  }

  /** Sockets that are in the map stay there and go on as they are. */
  off(): void {
    for (const link of this.#links.splice(0)) closeSync(link);
  }

  redirected(): Redirected {
    if (this.#sockets === null) return { messages: 0, bytes: 0 };
    const [messages = 0n, bytes = 0n] = this.#calls.lookUp(this.#sockets.counter, 0, COUNTER_INTEGERS);
    return { messages: Number(messages), bytes: Number(bytes) };
  }

  close(): void {
    this.off();
    for (const fd of this.#open.splice(0)) closeSync(fd);
  }

  #sockmap(): { program: number; counter: number } {
    const calls = this.#calls;
    const sockets = this.#keep(
      calls.createMap({ type: MAP_SOCKHASH, keyBytes: KEY_BYTES, valueBytes: 4, entries: MOST_SOCKETS }),
    );
    const counter = this.#keep(
      calls.createMap({ type: MAP_ARRAY, keyBytes: 4, valueBytes: COUNTER_INTEGERS * 8, entries: 1 }),
    );
    const message = this.#keep(calls.load(SK_MSG, skMsgProgram(sockets, counter)));
    calls.attachToMap(message, sockets, SK_MSG);
    const program = this.#keep(calls.load(SOCK_OPS, sockOpsProgram(sockets)));
    return { program, counter };
  }

  #link(program: number, pod: string | null, kind: ProgramKind): void {
    this.#links.push(this.#groups.withGroup(pod, (group) => this.#calls.link(program, group, kind)));
  }

  #keep(fd: number): number {
    this.#open.push(fd);
    return fd;
  }
}
