/** What a waterfall is headed by: which request it was, how it ended, and which connections carried it. */
import type { WriteFragment, WriteGroup, ReadGroup } from '../../observe/grammar/fragments.ts';
import type { LogRecord } from '../record.ts';
import { flagWords } from './flags.ts';
import { lengthText, printable } from './printable.ts';

export interface Fact {
  readonly name: string;
  readonly value: string;
}

export function titleOf({ base, file, lineNumber }: LogRecord): string {
  if (base === null) return printable(`${file}:${lineNumber}, a line that is cut at its front`);
  return printable(`${base.method ?? '-'} ${base.path ?? '-'} ${base.protocol ?? '-'}`);
}

export function factsOf(record: LogRecord): Fact[] {
  const { base } = record;
  const facts: Fact[] = [];
  const add = (name: string, value: string | null): void => {
    if (value !== null && value !== '') facts.push({ name, value: printable(value) });
  };
  add('status', base === null ? null : `${base.responseCode} ${base.responseCodeDetails ?? ''}`.trimEnd());
  add('flags', record.flags.map((flag) => `${flag}: ${flagWords(flag)}`).join('; '));
  add('total', record.totalUs === null ? null : lengthText(record.totalUs, record.resolutionUs));
  add('began', base?.startTime ?? null);
  add('id', base?.requestId ?? null);
  add('client', clientText(record));
  add('upstream', upstreamText(record));
  add('body', base === null ? null : `${base.bytesReceived} B in, ${base.bytesSent} B out`);
  add('thread', threadText(record));
  add('line', `${record.file}:${record.lineNumber}`);
  return facts;
}

function threadText({ threadId, loopTurns }: LogRecord): string | null {
  if (threadId === null) return null;
  if (loopTurns === null) return String(threadId);
  const { start, end } = loopTurns;
  return `${threadId}, loop turn${start === end ? ` ${start}` : `s ${start} to ${end}`}`;
}

function clientText({ base, downstreamReads }: LogRecord): string | null {
  const carried = firstOf(downstreamReads);
  const connection =
    carried === null ? null : `C${carried.connectionId}, ${carried.secure ? 'TLS' : 'plain text'}`;
  return [base?.downstreamRemoteAddress ?? null, connection].filter((part) => part !== null).join(', ');
}

function upstreamText({ base, upstreamWrites, upstreamReads }: LogRecord): string | null {
  const address = [base?.upstreamHost ?? null, base?.upstreamCluster ?? null].filter((part) => part !== null);
  const write = firstWrite(upstreamWrites);
  if (write !== null)
    return [
      ...address,
      `C${write.connectionId}, ${write.secure ? 'TLS' : 'plain text'}, ${poolWords(write)}`,
    ].join(', ');
  const read = firstOf(upstreamReads);
  return [...address, read === null ? 'nothing was sent' : `C${read.connectionId}`].join(', ');
}

/** `C0~C7` reused, `C7~C7` new, `C8~C7` opened C8 and was served by C7. */
export function poolWords({ createdConnectionId, connectionId }: WriteFragment): string {
  if (createdConnectionId === null) return 'no pool';
  if (createdConnectionId === 0) return 'reused';
  if (createdConnectionId === connectionId) return 'opened for this request';
  return `reused: it came free before C${createdConnectionId}, opened for this request, was ready`;
}

function firstOf(
  group: ReadGroup | null,
): { readonly connectionId: number; readonly secure: boolean } | null {
  for (const fragment of group ?? []) if (fragment.kind === 'read') return fragment;
  return null;
}

function firstWrite(group: WriteGroup | null): WriteFragment | null {
  for (const fragment of group ?? []) if (fragment.kind === 'write') return fragment;
  return null;
}
