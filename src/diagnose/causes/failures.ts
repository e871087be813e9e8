/**
 * Requests that failed, by response flag, and where there is none by code: in plain words, who closed first, which setting decides.
 *
 * For an upstream that closed under a request (UC) it tells how long the reused connection had been idle: the time since the previous
 * line that used it. Connections are remembered in two generations, so that memory is bounded and no line pays for an eviction.
 */
import type { Finding, Remedy } from '../report.ts';
import type { LogRecord } from '../record.ts';
import type { LineFacts } from '../scan/line-facts.ts';
import { NameTable } from '../scan/name-table.ts';
import { count, lengthOf, percent, plural } from '../words.ts';
import {
  findingOf,
  Tallies,
  type Detector,
  type DetectorOptions,
  type Tally,
  type Totals,
} from './detector.ts';
import { DETAILS_TABLE } from './details-table.ts';
import type { FailureMeaning } from './failure-meaning.ts';
import { FLAG_TABLE } from './flag-table.ts';
import { hostOf, requestText, totalText } from './readings.ts';

const GENERATION = 32_768;
const MOST_DETAILS = 32;
/** Idle ages for their middle: the first ones are as good as any. */
const MOST_AGES = 1000;
const UNKNOWN = -1;
const FRESH = -2;
/** Not failures: done on purpose, and done well. */
const HARMLESS = new Set(['DI', 'RFCF']);

interface Failed {
  readonly tally: Tally;
  readonly codes: Map<number, number>;
  readonly details: Map<string, number>;
  readonly idleUs: number[];
  fresh: number;
}

export class Failures implements Detector {
  readonly #bySubject = new Tallies();
  readonly #failed = new Map<Tally, Failed>();
  readonly #subjects = new NameTable();
  readonly #options: DetectorOptions;
  /** End of the last request on each upstream connection, epoch us. */
  #newer = new Map<number, number>();
  #older = new Map<number, number>();

  constructor(options: DetectorOptions) {
    this.#options = options;
  }

  accept(facts: LineFacts): void {
    const { connection } = facts.upstreamWrites;
    if (facts.flagsId !== 0 || facts.code >= 400 || facts.code === 0) this.#failure(facts);
    if (connection === 0 || facts.startUs < 0) return;
    this.#newer.set(connection, facts.startUs + facts.totalUs);
    if (this.#newer.size < GENERATION) return;
    this.#older = this.#newer;
    this.#newer = new Map();
  }

  #failure(facts: LineFacts): void {
    const details = facts.column('responseCodeDetails');
    if (!this.#isFailure(facts, details)) return;
    const flags = this.#options.names.flags.name(facts.flagsId);
    const subject = flags === '-' ? String(facts.code) : flags;
    const tally = this.#bySubject.of(this.#subjects.idOfText(subject));
    const failed = this.#failed.get(tally) ?? {
      tally,
      codes: new Map(),
      details: new Map(),
      idleUs: [],
      fresh: 0,
    };
    this.#failed.set(tally, failed);
    raise(failed.codes, facts.code);
    raise(failed.details, details ?? '-');
    const idleUs = this.#idleUs(facts, failed);
    tally.addNoted(facts, facts.latencyUs, () => [connectionText(facts, idleUs), null]);
  }

  /** A refusal by the service is the client's matter (404, 401); by the proxy it is a failure, and so is every 5xx. */
  #isFailure(facts: LineFacts, details: string | null): boolean {
    if (facts.flagsId !== 0) return !HARMLESS.has(this.#options.names.flags.name(facts.flagsId));
    if (facts.code >= 500) return true;
    if (details === 'via_upstream' || details === 'direct_response' || details === 'admin_filter_response')
      return false;
    // A code of 0 without a flag is a TCP connection.
    return facts.code >= 400 && facts.column('upstreamHost') === null;
  }

  /** How long the request's connection had been idle; `FRESH` if it was opened for it, `UNKNOWN` if no line says. */
  #idleUs({ upstreamWrites, startUs, totalUs }: LineFacts, failed: Failed): number {
    const { created, connection, count: writes } = upstreamWrites;
    if (connection === 0 || writes === 0) return UNKNOWN;
    if (created === connection) {
      failed.fresh += 1;
      return FRESH;
    }
    const last = this.#newer.get(connection) ?? this.#older.get(connection);
    if (last === undefined || startUs < 0 || last > startUs + totalUs) return UNKNOWN;
    const idleUs = Math.max(0, startUs - last);
    if (failed.idleUs.length < MOST_AGES) failed.idleUs.push(idleUs);
    return idleUs;
  }

  findings(totals: Totals): Finding[] {
    return this.#bySubject.entries
      .map(([id, tally]) => {
        const failed = this.#failed.get(tally);
        return failed === undefined ? null : finding(this.#subjects.name(id), failed, totals);
      })
      .filter((each) => each !== null);
  }
}

function connectionText({ upstreamWrites }: LineFacts, idleUs: number): string {
  const { connection } = upstreamWrites;
  if (connection === 0) return '';
  if (idleUs === FRESH) return `new connection C${connection}`;
  return `reused connection C${connection}${idleUs === UNKNOWN ? '' : ` idle ${lengthOf(idleUs)}`}`;
}

function raise<K>(counts: Map<K, number>, key: K): void {
  const known = counts.get(key);
  if (known === undefined && counts.size >= MOST_DETAILS) return;
  counts.set(key, (known ?? 0) + 1);
}

function byCount<K>(counts: ReadonlyMap<K, number>): [K, number][] {
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/** Of `UF,URX` the first that the table knows; without a flag by the details that occur most. */
function meaningOf(subject: string, failed: Failed): FailureMeaning {
  for (const flag of subject.split(',')) {
    const known = FLAG_TABLE[flag];
    if (known !== undefined && flag !== 'URX') return known;
  }
  const known = FLAG_TABLE[subject];
  if (known !== undefined) return known;
  const [details] = byCount(failed.details)[0] ?? ['-'];
  for (const [name, meaning] of DETAILS_TABLE) if (details.startsWith(name)) return meaning;
  return {
    what: details === '-' ? 'the line does not say why' : details,
    first: 'nobody',
    remedies: [
      {
        text: 'RESPONSE_CODE_DETAILS names the reason; the application log at level debug has the moment.',
        setting: null,
      },
    ],
  };
}

const FIRST: Readonly<Record<FailureMeaning['first'], string>> = {
  client: ' The client closed first.',
  upstream: ' The upstream closed first.',
  proxy: ' The proxy ended it.',
  nobody: '',
};

function finding(subject: string, failed: Failed, totals: Totals): Finding {
  const { tally } = failed;
  const meaning = meaningOf(subject, failed);
  const codes = byCount(failed.codes).map(([code]) => (code === 0 ? 'no code' : String(code)));
  const name = codes.join() === subject ? subject : `${codes.slice(0, 3).join('/')} ${subject}`;
  const used = subject.includes('URX') && subject !== 'URX' ? ' Retries were used up.' : '';
  return findingOf('failures', tally, totals, {
    subject,
    what: `${plural(tally.requests, 'request')} (${percent(tally.requests / totals.requests)}) failed with ${name}: ${meaning.what}.${FIRST[meaning.first]}${used}`,
    reading: (record, { note }) => readingOf(record, note, meaning),
    remedies: remediesOf(meaning, failed),
    details: detailsOf(failed),
  });
}

function remediesOf({ remedies }: FailureMeaning, { idleUs }: Failed): Remedy[] {
  const shortest = idleUs.length === 0 ? 0 : Math.min(...idleUs);
  if (shortest === 0) return [...remedies];
  return remedies.map((remedy) =>
    remedy.setting?.startsWith('common_http_protocol_options.idle_timeout') === true
      ? { ...remedy, text: `${remedy.text} Here: below ${lengthOf(shortest)}.` }
      : remedy,
  );
}

function detailsOf({ details, codes, idleUs, fresh }: Failed): string[] {
  const lines = [
    `details: ${byCount(details)
      .slice(0, 3)
      .map(([text, times]) => `${text} (${count(times)})`)
      .join(', ')}`,
  ];
  if (codes.size > 1)
    lines.push(
      `codes: ${byCount(codes)
        .map(([code, times]) => `${code} (${count(times)})`)
        .join(', ')}`,
    );
  if (idleUs.length > 0) {
    const sorted = idleUs.toSorted((a, b) => a - b);
    const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
    lines.push(
      `reused connections had been idle for ${lengthOf(sorted[0] ?? 0)} to ${lengthOf(sorted.at(-1) ?? 0)}, ${lengthOf(middle)} in the middle`,
    );
  }
  if (fresh > 0) lines.push(`${count(fresh)} on a new connection`);
  return lines;
}

function readingOf(record: LogRecord, note: string, { first }: FailureMeaning): string {
  const details = record.base?.responseCodeDetails ?? '';
  const closed = first === 'upstream' && note !== '' ? `${note} closed by server` : note;
  const host = record.base?.upstreamHost == null ? 'no upstream' : hostOf(record);
  return [closed, `${requestText(record)} after ${totalText(record)}`, details, host]
    .filter((each) => each !== '')
    .join('; ');
}
