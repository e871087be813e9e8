/**
 * A trace as a table for people and as one object for machines. Both count time from the first stage; a clock that was moved to fit
 * the first hop's is told, because it is the one thing here that was not measured.
 */
import type { Stage } from './stage.ts';
import type { TracedHop, TraceResult } from './trace-request.ts';

/** Below this a moved clock is not worth a sentence; ms. */
const NOTED_SHIFT_MS = 0.001;

export function traceText(result: TraceResult): string {
  const { method, path, answer, hops, stages } = result;
  const start = stages[0]?.at ?? 0;
  const total = (stages.at(-1)?.at ?? start) - start;
  const several = hops.length > 1;
  const head = ['ms', ...(several ? ['hop'] : []), 'thread', 'downstream', 'upstream', 'stage', ''];
  const rows = stages.map((stage) => [
    (stage.at - start).toFixed(3),
    ...(several ? [hops[stage.hop]?.name ?? ''] : []),
    stage.thread,
    downstreamText(stage),
    stage.upstream === 0 ? '-' : `C${stage.upstream}`,
    stage.name,
    stage.text,
  ]);
  const lines = [
    `${method} ${path}: ${answer.status}, ${answer.bodyBytes} bytes of body, ${stages.length} stages in ${total.toFixed(1)} ms`,
    '',
    ...table([head, ...rows]),
    '',
    ...hops.flatMap((hop) => hopText(hop, several)),
  ];
  return lines.join('\n');
}

function downstreamText({ downstream, stream }: Stage): string {
  return stream === 0 ? `C${downstream}` : `C${downstream} S${stream}`;
}

function hopText(
  { name, pid, downstream, upstream, shift, accessLog }: TracedHop,
  several: boolean,
): string[] {
  const up = upstream === 0 ? 'no upstream connection' : `upstream connection ${upstream}`;
  const moved =
    Math.abs(shift) < NOTED_SHIFT_MS
      ? ''
      : ` Its clock was moved by ${shift.toFixed(3)} ms, so that nothing is received before it is sent.`;
  const who = several ? `${name} (process ${pid})` : `The proxy (process ${pid})`;
  return [`${who}: downstream connection ${downstream}, ${up}.${moved} Its access-log line:`, accessLog, ''];
}

/** Columns as wide as their widest cell; the first is of numbers, the last runs free. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        if (column === 0) return cell.padStart(widths[0] ?? 0);
        return column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0);
      })
      .join('  ')
      .trimEnd(),
  );
}

export function traceJson({ method, path, answer, hops, stages }: TraceResult): string {
  const start = stages[0]?.at ?? 0;
  return JSON.stringify(
    {
      request: { method, path, status: answer.status, body_bytes: answer.bodyBytes },
      hops: hops.map(({ name, pid, downstream, upstream, stream, shift, accessLog }) => ({
        name,
        pid,
        downstream_connection_id: downstream,
        upstream_connection_id: upstream === 0 ? null : upstream,
        stream_id: stream,
        clock_shift_ms: Number(shift.toFixed(3)),
        access_log: accessLog,
      })),
      stages: stages.map((stage) => ({
        ms: Number((stage.at - start).toFixed(3)),
        hop: hops[stage.hop]?.name ?? '',
        thread_id: Number(stage.thread),
        component: stage.component,
        stage: stage.name,
        downstream_connection_id: stage.downstream,
        upstream_connection_id: stage.upstream === 0 ? null : stage.upstream,
        stream_id: stage.stream === 0 ? null : stage.stream,
        text: stage.text,
      })),
    },
    null,
    2,
  );
}
