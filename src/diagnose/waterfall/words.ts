/**
 * The tokens of a line in words, in the order in which they stand in it: what `access-log.md` explains once, said with the numbers of
 * this request. Used below a waterfall and, per fragment, by its bars.
 */
import { printGroup } from '../../observe/grammar/fragments.ts';
import type { ReadFragment, ReadGroup, WriteFragment, WriteGroup } from '../../observe/grammar/fragments.ts';
import type { SixNumbers } from '../../observe/grammar/instrumented-line.ts';
import type { LogRecord } from '../record.ts';
import { microseconds } from './clock.ts';
import { poolWords } from './facts.ts';
import { flagWords, segmentWords } from './flags.ts';
import { counted, lengthText, printable } from './printable.ts';

export interface TokenReading {
  /** Which part of the line it stands in: `six numbers`, `downstream read`, …. */
  readonly part: string;
  readonly token: string;
  readonly words: string;
}

const MARKS = { H: 'head', D: 'body bytes', E: 'end of the message' } as const;

/** `when`: `+19 ms` on an axis, or the stamp itself. */
export function readWords(fragment: ReadFragment, when: string, peer: string): string {
  const from = `Read ${fragment.bytes} bytes from ${peer}, C${fragment.connectionId} (${security(fragment)}), at ${when}`;
  const took = microseconds(fragment.took, fragment.unit);
  const waited = microseconds(fragment.waited, fragment.unit);
  const parts = [
    took === null ? null : `${lengthText(took, finest(fragment))} in the call`,
    waited === null
      ? 'time in the kernel not known'
      : `${lengthText(waited, finest(fragment))} in the kernel before it`,
    fragment.marks.length === 0
      ? 'inside a part of the message'
      : `found in it: ${fragment.marks.map(({ mark }) => MARKS[mark]).join(', ')}`,
    flowWords(fragment),
  ];
  return `${from}: ${parts.filter((part) => part !== null).join('; ')}.`;
}

function flowWords(fragment: ReadFragment): string | null {
  const words: string[] = [];
  for (const { flows } of fragment.marks) {
    for (const flow of flows) {
      const text =
        flow.kind === 'paused'
          ? `reads were off by then (${flow.consecutive}×)`
          : `reads had been on again after ${lengthText(microseconds(flow.after, fragment.unit) ?? 0, finest(fragment))}`;
      if (!words.includes(text)) words.push(text);
    }
  }
  return words.length === 0 ? null : words.join('; ');
}

export function writeWords(fragment: WriteFragment, when: string, peer: string): string {
  const to = `Wrote ${fragment.bytes} bytes to ${peer}, C${fragment.connectionId} (${security(fragment)}), at ${when}`;
  const took = microseconds(fragment.took, fragment.unit);
  const parts = [
    took === null ? null : `${lengthText(took, finest(fragment))} in the call`,
    fragment.blocked === 0
      ? 'the socket had room'
      : `the socket was full ${counted(fragment.blocked, 'time')} before it`,
    fragment.drained ? 'nothing was left to write' : 'more was left to write',
    fragment.createdConnectionId === null ? null : `the connection: ${poolWords(fragment)}`,
  ];
  return `${to}: ${parts.filter((part) => part !== null).join('; ')}.`;
}

/** Shortest length that the fragment can tell, us. */
export function finest({ unit }: { readonly unit: 'ms' | 'us' }): number {
  return unit === 'us' ? 1 : 1000;
}

function security({ secure }: { readonly secure: boolean }): string {
  return secure ? 'TLS' : 'plain text';
}

/** Place on the axis, signed. */
export function offsetText(atUs: number): string {
  if (atUs === 0) return '+0';
  return atUs < 0 ? `−${lengthText(-atUs)}` : `+${lengthText(atUs)}`;
}

export function tokensOf(record: LogRecord): TokenReading[] {
  const tokens: TokenReading[] = [];
  const add = (part: string, token: string, words: string): void => {
    tokens.push({ part, token: printable(token), words: printable(words) });
  };
  const { base, six, ledger, loopTurns } = record;
  if (base !== null) outcomeTokens(record, add);
  if (six !== null) numberTokens(six, add);
  if (record.threadId !== null) add('thread', `(${record.threadId})`, 'the worker’s operating system thread');
  groupTokens('downstream read', record.downstreamReads, 'the client', add);
  groupTokens('upstream write', record.upstreamWrites, 'the upstream', add);
  groupTokens('upstream read', record.upstreamReads, 'the upstream', add);
  groupTokens('downstream write', record.downstreamWrites, 'the client', add);
  for (const { segment, us } of ledger ?? [])
    add('ledger', `${segment}=${us}`, `${lengthText(us)} ${segmentWords(segment)}`);
  if (loopTurns !== null) {
    const turns = loopTurns.end - loopTurns.start;
    const words =
      turns === 0
        ? 'all in one turn of the worker’s loop'
        : `spread over ${turns + 1} turns of the worker’s loop`;
    add(
      'loop turns',
      `${loopTurns.start}-${loopTurns.end}`,
      `${words}; lines of the same thread that share one waited for each other`,
    );
  }
  return tokens;
}

type Add = (part: string, token: string, words: string) => void;

function outcomeTokens({ base, flags }: LogRecord, add: Add): void {
  if (base === null) return;
  add(
    'outcome',
    String(base.responseCode),
    `the status that the client was sent${base.responseCode === 0 ? ': none' : ''}`,
  );
  for (const flag of flags) add('outcome', flag, flagWords(flag));
  if (base.responseCodeDetails !== null)
    add('outcome', base.responseCodeDetails, detailWords(base.responseCodeDetails));
  if (base.connectionTerminationDetails !== null)
    add('outcome', base.connectionTerminationDetails, 'why the connection of the client was ended');
  if (base.upstreamTransportFailureReason !== null)
    add('outcome', base.upstreamTransportFailureReason, 'what the upstream connection failed of');
  add('sizes', String(base.bytesReceived), 'bytes of the request’s body');
  add('sizes', String(base.bytesSent), 'bytes of the response’s body');
}

function detailWords(details: string): string {
  if (details === 'via_upstream') return 'the response came from the upstream';
  return 'why this status: the proxy made the response, or ended it';
}

const SIX: readonly (readonly [keyof SixNumbers, string])[] = [
  ['duration', 'in all: start to the last byte sent to the client'],
  ['requestDuration', 'start to the last byte of the request received'],
  ['requestTxDuration', 'start to the last byte of the request sent to the upstream'],
  ['responseDuration', 'start to the first byte of the response'],
  ['responseTxDuration', 'first byte of the response to the last one sent to the client'],
  [
    'upstreamServiceTime',
    'request sent by the router to the first byte of the response (x-envoy-upstream-service-time)',
  ],
];

function numberTokens(six: SixNumbers, add: Add): void {
  for (const [name, words] of SIX) {
    const value = six[name];
    add(
      'six numbers',
      value === null ? '-' : String(value),
      value === null ? `did not happen: ${words}` : `ms: ${words}`,
    );
  }
}

function groupTokens(part: string, group: ReadGroup | WriteGroup | null, peer: string, add: Add): void {
  for (const fragment of group ?? []) {
    if (fragment.kind === 'skipped') {
      add(
        part,
        printGroup([fragment]),
        `${fragment.count} more with ${fragment.bytes} bytes, left out of the line`,
      );
    } else if (fragment.kind === 'read') {
      const token = printGroup([fragment]);
      add(part, token, readWords(fragment, stampIn(token), peer));
    } else {
      const token = printGroup([fragment]);
      add(part, token, writeWords(fragment, stampIn(token), peer));
    }
  }
}

function stampIn(token: string): string {
  return /<([^>]+)>/.exec(token)?.[1] ?? '';
}
