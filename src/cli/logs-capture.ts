/**
 * `nodeproxy logs capture FILE|-`: the handshakes of a packet capture, and those that the server closed before the client had said a word.
 * Exit code 0: it was read; 1: it is no capture, or damaged.
 */
import { createReadStream } from 'node:fs';
import { CaptureError } from '../diagnose/capture/capture-parser.ts';
import { CaptureReader } from '../diagnose/capture/capture-report.ts';
import { captureText } from '../diagnose/capture/capture-text.ts';
import { EXIT_FAILED, EXIT_OK } from './command.ts';
import type { Command, Output } from './command.ts';
import { UsageError, wholeNumber } from './option.ts';
import type { ParsedOptions } from './option.ts';

/** Istio's protocol detection before it was switched off. */
const DEFAULT_TIMEOUT_MS = 10;
const DEFAULT_TOP = 10;

export const LOGS_CAPTURE: Command = {
  name: 'logs capture',
  summary: 'Find handshakes of a packet capture that the proxy closed before the first bytes',
  usage: 'FILE.pcap|- [options]',
  options: [
    {
      name: 'timeout-ms',
      value: '<n>',
      help: `how long the proxy waits for the first bytes (its listener_filters_timeout); default ${DEFAULT_TIMEOUT_MS}`,
      check: wholeNumber(1, 3_600_000),
    },
    { name: 'port', value: '<n>', help: 'only connections of this port', check: wholeNumber(1, 65_535) },
    {
      name: 'top',
      value: '<n>',
      help: `examples shown; default ${DEFAULT_TOP}`,
      check: wholeNumber(0, 1000),
    },
    { name: 'json', help: 'one JSON object instead of sentences' },
  ],
  notes: [
    'Reads pcap and pcapng, as `tcpdump -w FILE` and Wireshark write them: Ethernet, Linux cooked (`-i any`), loopback and raw IP, IPv4 and IPv6. ' +
      'Capture at the proxy if you can: elsewhere the way of the packets is in the times. Headers are enough (`-s 128`).',
  ],
  run,
};

async function run({ values, positionals }: ParsedOptions, out: Output): Promise<number> {
  const [file, unexpected] = positionals;
  if (file === undefined) throw new UsageError('logs capture needs a file, or - for standard input');
  if (unexpected !== undefined) throw new UsageError(`unexpected "${unexpected}": one capture at a time`);
  const reader = new CaptureReader({
    timeoutMs: Number(values.get('timeout-ms') ?? DEFAULT_TIMEOUT_MS),
    port: Number(values.get('port') ?? 0),
    keep: Number(values.get('top') ?? DEFAULT_TOP),
  });
  try {
    const chunks = file === '-' ? process.stdin : createReadStream(file);
    for await (const chunk of chunks) reader.push(chunk as Buffer);
    const report = reader.end();
    out.result(values.has('json') ? JSON.stringify(report) : captureText(report));
    return EXIT_OK;
  } catch (error) {
    const name = file === '-' ? 'standard input' : file;
    const isOfFile = error instanceof Error && 'syscall' in error;
    if (!isOfFile && !(error instanceof CaptureError)) throw error;
    out.problem(`nodeproxy: ${name}: ${error.message}`);
    return EXIT_FAILED;
  }
}
