/**
 * The same facts from a parsed record: for JSON, cut lines and whatever else the byte scanner leaves alone.
 *
 * Invariant: of a line that the scanner takes, both give the same facts.
 */
import type { ReadGroup, WriteGroup } from '../../observe/grammar/fragments.ts';
import type { LogRecord } from '../record.ts';
import type { LineFacts, ReadFacts, WriteFacts } from './line-facts.ts';
import type { Names } from './scan-line.ts';
import { FILTER, segmentIndex } from './segments.ts';

export function factsOfRecord(record: LogRecord, facts: LineFacts, names: Names): void {
  const { base, six, ledger } = record;
  facts.record = record;
  facts.startUs = record.startUs ?? -1;
  facts.totalUs = record.totalUs ?? 0;
  facts.code = base?.responseCode ?? 0;
  facts.received = base?.bytesReceived ?? 0;
  facts.sent = base?.bytesSent ?? 0;
  facts.flagsId = names.flags.idOfText(base?.responseFlags ?? null);
  facts.clusterId = names.clusters.idOfText(base?.upstreamCluster ?? null);
  facts.threadId = record.threadId ?? -1;
  facts.hasSix = six !== null;
  facts.requestDuration = six?.requestDuration ?? -1;
  facts.requestTx = six?.requestTxDuration ?? -1;
  facts.responseDuration = six?.responseDuration ?? -1;
  facts.responseTx = six?.responseTxDuration ?? -1;
  facts.serviceTime = (six ?? base)?.upstreamServiceTime ?? -1;
  readFacts(record.downstreamReads, facts.downstreamReads);
  writeFacts(record.upstreamWrites, facts.upstreamWrites);
  readFacts(record.upstreamReads, facts.upstreamReads);
  writeFacts(record.downstreamWrites, facts.downstreamWrites);
  facts.hasLedger = ledger !== null;
  for (const { segment, us } of ledger ?? []) {
    const index = segmentIndex(segment);
    if (index >= 0) facts.us[index] = us;
    else facts.addFilter(names.filters.idOfText(segment), us, FILTER);
  }
  facts.turnStart = record.loopTurns?.start ?? -1;
  facts.turnEnd = record.loopTurns?.end ?? -1;
}

export function readFacts(group: ReadGroup | null, facts: ReadFacts): void {
  for (const fragment of group ?? []) {
    facts.bytes += fragment.bytes;
    if (fragment.kind === 'skipped') {
      facts.count += fragment.count;
      continue;
    }
    const scale = fragment.unit === 'us' ? 1 : 1000;
    const waited = (fragment.waited ?? 0) * scale;
    if (facts.count === 0) {
      facts.connection = fragment.connectionId;
      facts.secure = fragment.secure;
      facts.firstAt = fragment.stampUs;
      facts.firstBytes = fragment.bytes;
      facts.waitedFirst = waited;
      facts.headAlone = fragment.marks.length === 1 && fragment.marks[0]?.mark === 'H';
    } else {
      if (facts.count === 1) {
        facts.secondAt = fragment.stampUs;
        facts.waitedSecond = waited;
      }
      facts.waitedRest += waited;
    }
    facts.longestTook = Math.max(facts.longestTook, (fragment.took ?? 0) * scale);
    facts.lastAt = fragment.stampUs;
    facts.count += 1;
    for (const flow of fragment.marks.flatMap(({ flows }) => flows)) {
      if (flow.kind === 'paused') {
        facts.paused = flow.consecutive;
        facts.pausedAt = fragment.stampUs;
        continue;
      }
      const offUs = flow.after * scale;
      facts.offUs += offUs;
      if (offUs < facts.longestOffUs) continue;
      facts.longestOffUs = offUs;
      facts.longestOffEnd = flow.stampUs;
    }
  }
}

function writeFacts(group: WriteGroup | null, facts: WriteFacts): void {
  for (const fragment of group ?? []) {
    facts.bytes += fragment.bytes;
    if (fragment.kind === 'skipped') {
      facts.count += fragment.count;
      continue;
    }
    const scale = fragment.unit === 'us' ? 1 : 1000;
    if (facts.count === 0) {
      facts.created = fragment.createdConnectionId ?? 0;
      facts.firstAt = fragment.stampUs;
    }
    facts.connection = fragment.connectionId;
    facts.secure = fragment.secure;
    facts.longestTook = Math.max(facts.longestTook, (fragment.took ?? 0) * scale);
    facts.blocked += fragment.blocked;
    facts.lastAt = fragment.stampUs;
    facts.count += 1;
  }
}
