/**
 * The report of a capture as sentences: what was in the file, how the handshakes went, and, when the server closed before the client's
 * first bytes, the setting that ends it.
 */
import { GAP_BANDS } from './capture-report.ts';
import type { CaptureReport } from './capture-report.ts';
import type { Handshake } from './handshake.ts';

/** A bar of the gaps' distribution, in characters. */
const BAR = 40;

export function captureText(report: CaptureReport): string {
  const lines = [...contents(report), '', ...outcomes(report)];
  if (report.gaps.some((count) => count > 0)) lines.push('', ...gapLines(report.gaps));
  lines.push('', ...finding(report));
  return lines.join('\n');
}

function contents(report: CaptureReport): string[] {
  const { packets, tcp, notTcp, unreadable, unknownLink, untimed, others, truncated } = report;
  const lines = [
    `${counted(packets, 'packet')}: ${tcp} TCP, ${notTcp} others, ${unreadable} cut too short to read.`,
  ];
  if (unknownLink > 0)
    lines.push(
      `${counted(unknownLink, 'packet')} of a link type that is not known here (Ethernet, Linux cooked, loopback and raw IP are).`,
    );
  if (untimed > 0)
    lines.push(`${counted(untimed, 'packet')} without a time (simple packet blocks) left out.`);
  if (others > 0)
    lines.push(
      `${counted(others, 'TCP packet')} of connections whose beginning is not in the capture, or behind their verdict.`,
    );
  if (truncated) lines.push('The file ends within a packet; what is before it was read.');
  return lines;
}

function outcomes({ handshakes, verdicts, firstEnds, timeoutMs }: CaptureReport): string[] {
  const rows: readonly (readonly [number, string])[] = [
    [verdicts.good, `first bytes within ${ms(timeoutMs)} of the handshake's last ACK`],
    [verdicts['late-but-served'], `first bytes later than ${ms(timeoutMs)}, served all the same`],
    [
      verdicts['sniff-timeout'],
      `closed by the server after about ${ms(timeoutMs)}, before the client's first bytes`,
    ],
    [verdicts['closed-early'], "closed by the server before the client's first bytes, at another time"],
    [verdicts['silent-client'], 'closed by the server, the client never sent a byte'],
    [verdicts.open, 'handshake alone, no bytes of the client'],
    [verdicts.refused, 'refused'],
    [verdicts.incomplete, 'handshake not completed'],
  ];
  const ends = Object.entries(firstEnds).filter(([, count]) => count > 0);
  return [
    `${counted(handshakes, 'connection')} from the SYN on:`,
    ...rows.filter(([count]) => count > 0).map(([count, what]) => `  ${String(count).padStart(8)}  ${what}`),
    ...(ends.length === 0
      ? []
      : [`Closed first by: ${ends.map(([who, count]) => `${who} ${count}`).join(', ')}.`]),
  ];
}

function gapLines(gaps: readonly number[]): string[] {
  const most = Math.max(...gaps);
  const rows = gaps.map((count, band) => {
    const from = band === 0 ? 0 : GAP_BANDS[band - 1];
    const label = band === GAP_BANDS.length ? `from ${from} ms` : `${from} to ${GAP_BANDS[band]} ms`;
    const bar = '#'.repeat(count === 0 ? 0 : Math.max(1, Math.round((count / most) * BAR)));
    return `  ${label.padEnd(14)}  ${String(count).padStart(8)}  ${bar}`.trimEnd();
  });
  return ["From the handshake's last ACK to the client's first bytes:", ...rows];
}

function finding(report: CaptureReport): string[] {
  const { verdicts, closed, late, longestGood, shortestGood, timeoutMs, handshakes } = report;
  const bad = verdicts['sniff-timeout'];
  if (bad > 0) {
    return [
      `Cause: the protocol-sniff timeout. In ${bad} of ${counted(handshakes, 'connection')} the client's first bytes came more than ${ms(timeoutMs)} ` +
        'after the handshake; the proxy had stopped waiting and sent its FIN. Whoever stands in front (a WAF, a load balancer) reports 502.',
      ...closed.map(exampleText),
      ...(shortestGood === null || longestGood === null
        ? []
        : [
            `Good ones for comparison: first bytes ${ms(shortestGood.gap)} to ${ms(longestGood.gap)} after the ACK.`,
          ]),
      'Remedy: `listener_filters_timeout: 0s` on the listener, no time limit for the first bytes (Istio: `protocolDetectionTimeout: 0s` in the ' +
        'mesh configuration). Or declare the protocol of the port, so that nothing has to be sniffed.',
    ];
  }
  if (verdicts['closed-early'] > 0) {
    return [
      `In ${counted(verdicts['closed-early'], 'connection')} the server closed before the client's first bytes, but not at the ${ms(timeoutMs)} of the ` +
        'protocol-sniff timeout. If the times below are alike, a timer of the server made them: compare with its `listener_filters_timeout` and give that as --timeout-ms.',
      ...closed.map(exampleText),
    ];
  }
  if (late.length > 0) {
    return [
      `No connection was closed before its first bytes. ${counted(verdicts['late-but-served'], 'connection')} sent them later than ${ms(timeoutMs)}: a proxy that ` +
        'sniffs the protocol with that timeout would have closed them; with `listener_filters_timeout: 0s` it does not.',
      ...late.map(exampleText),
    ];
  }
  return ["No connection was closed by the server before the client's first bytes."];
}

function exampleText({ client, server, at, gap, firstBytes, firstEnd }: Handshake): string {
  const what =
    firstBytes === 'ClientHello' ? 'ClientHello' : firstBytes === 'HTTP' ? 'HTTP request' : 'first bytes';
  const closed =
    firstEnd === null ? '' : `, ${firstEnd.by}'s ${firstEnd.kind} ${ms(firstEnd.after)} after the ACK`;
  return `  ${new Date(at).toISOString()} ${client} -> ${server}: ${what} ${ms(gap)}${closed}`;
}

/** 10.365 ms, 0.094 ms, 10 ms. */
function ms(value: number): string {
  return `${Number(value.toFixed(3))} ms`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
