/**
 * Networks of containers on one machine: each pod (a service with networks, and those that join it) has an address of its own in
 * 127.0.0.0/8, so that equal ports do not collide. A name is known only to those who share a network with it, as Docker's name server
 * answers; addresses themselves are reached from everywhere here, which is what these tests cannot check.
 */
import type { Service } from './compose-file.ts';

/** Nobody listens there: what a name that is not known leads to. */
const NOWHERE = 254;

export class Addresses {
  readonly #services: ReadonlyMap<string, Service>;
  readonly #byPod: ReadonlyMap<string, string>;
  readonly #net: string;

  /** `services`: those of one profile. Runs of different `key` (a process id) have different addresses. */
  constructor(services: ReadonlyMap<string, Service>, key: number) {
    this.#services = services;
    this.#net = `127.${64 + (Math.floor(key / 256) % 128)}.${key % 256}`;
    const pods = [...services.values()].filter(({ joins }) => joins === null);
    this.#byPod = new Map(pods.map(({ name }, index) => [name, `${this.#net}.${index + 1}`]));
  }

  of(service: Service): string {
    const address = this.#byPod.get(service.joins ?? service.name);
    if (address === undefined) throw new Error(`${service.name} joins ${service.joins}, which is not there`);
    return address;
  }

  /** Null: the name does not resolve for this service. */
  resolve(name: string, by: Service): string | null {
    const address = this.#byPod.get(name);
    const pod = this.#services.get(by.joins ?? by.name);
    const networks = this.#services.get(name)?.networks ?? [];
    return address !== undefined && pod?.networks.some((each) => networks.includes(each)) === true
      ? address
      : null;
  }

  /** `localhost` and all addresses become the container's own, `name:port` what the name resolves to. */
  rewritten(text: string, by: Service, names: readonly string[]): string {
    const name = new RegExp(
      String.raw`(?<![\w.-])(${names.map((each) => RegExp.escape(each)).join('|')})(?=:\d)`,
      'g',
    );
    return text
      .replaceAll(/\b(?:127\.0\.0\.1|0\.0\.0\.0)\b/g, this.of(by))
      .replaceAll(name, (found) => this.resolve(found, by) ?? `${this.#net}.${NOWHERE}`);
  }
}
