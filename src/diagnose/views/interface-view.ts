/**
 * Interfaces: method and path with its variable parts taken out (`GET /users/{id}`), each with its count, failures and latency. The
 * number of interfaces has a bound; what comes beyond it is counted together.
 */
import { Buckets, BucketSums } from '../buckets.ts';
import type { Percentiles } from '../report.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import type { LineVisitor } from '../scan/line-reader.ts';
import { LEAST_SLOW_US, percentilesOf } from '../slow-requests.ts';
import { pathOf } from './error-view.ts';

/** Each keeps a histogram of 10 KB. */
const MOST_INTERFACES = 1000;
const MOST_REMEMBERED = 20_000;
const OTHERS = '(other interfaces)';
const PARAMETER = '{id}';

export interface InterfaceRow {
  readonly name: string;
  readonly count: number;
  readonly failures: number;
  readonly latency: Percentiles;
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

class Interface {
  count = 0;
  failures = 0;
  maxUs = 0;
  bytesReceived = 0;
  bytesSent = 0;
  readonly latencies = new BucketSums();
}

export class InterfaceView implements LineVisitor {
  readonly #buckets = new Buckets(LEAST_SLOW_US);
  readonly #interfaces = new Map<string, Interface>();
  /** Paths seen and their templates: most come again. */
  readonly #templates = new Map<string, string>();
  requests = 0;
  /** Requests of interfaces beyond the bound. */
  beyond = 0;

  request(facts: LineFacts): void {
    this.requests += 1;
    const name = `${facts.column('method') ?? '-'} ${this.#template(pathOf(facts.column('path')))}`;
    const found = this.#of(name);
    found.count += 1;
    if (facts.code >= 400 || facts.code === 0) found.failures += 1;
    found.bytesReceived += facts.received;
    found.bytesSent += facts.sent;
    if (facts.totalUs > found.maxUs) found.maxUs = facts.totalUs;
    found.latencies.add(this.#buckets.of(facts.totalUs), facts.totalUs);
  }

  #template(path: string): string {
    const known = this.#templates.get(path);
    if (known !== undefined) return known;
    const template = templateOf(path);
    if (this.#templates.size < MOST_REMEMBERED) this.#templates.set(path, template);
    return template;
  }

  #of(name: string): Interface {
    const known = this.#interfaces.get(name);
    if (known !== undefined) return known;
    const full = this.#interfaces.size >= MOST_INTERFACES;
    if (full) this.beyond += 1;
    const made = full ? (this.#interfaces.get(OTHERS) ?? new Interface()) : new Interface();
    this.#interfaces.set(full ? OTHERS : name, made);
    return made;
  }

  /** Most frequent first. */
  report(): InterfaceRow[] {
    return Array.from(
      this.#interfaces,
      ([name, { count, failures, latencies, maxUs, bytesReceived, bytesSent }]) => ({
        name,
        count,
        failures,
        latency: percentilesOf(latencies, maxUs),
        bytesReceived,
        bytesSent,
      }),
    ).sort((a, b) => b.count - a.count);
  }
}

const NUMBER = /^\d+$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const HEX = /^(?=.*\d)[0-9a-f]{8,}$/i;
/** A word of letters and digits that is too long, or has too many digits, to have been chosen by a person. */
const TOKEN = /^(?=.*\d)[A-Za-z0-9_~.=-]{20,}$/;
/** `order-10293`: a name with a number; `v2` is a version and stays. */
const NUMBERED = /^([A-Za-z]+[-_])\d{3,}$/;

/** `/users/123/orders/7f3a…` -> `/users/{id}/orders/{id}`. */
export function templateOf(path: string): string {
  return path
    .split('/')
    .map((part) => {
      if (NUMBER.test(part) || UUID.test(part) || HEX.test(part) || TOKEN.test(part)) return PARAMETER;
      return part.replace(NUMBERED, `$1${PARAMETER}`);
    })
    .join('/');
}
