/**
 * `nodeproxy trace`: one request, stage by stage, from accept to its access-log line. Exit code 0: it was answered and traced, whatever
 * the status; 1: it was not.
 */
import { EXIT_FAILED, EXIT_OK } from './command.ts';
import type { Command, Output } from './command.ts';
import { UsageError } from './option.ts';
import type { ParsedOptions } from './option.ts';

export const TRACE: Command = {
  name: 'trace',
  summary: 'Send one request through a proxy of its own and show every stage of it',
  usage: '[-c FILE] URL|PATH [options]',
  options: [
    {
      name: 'config-path',
      short: 'c',
      value: '<file>',
      help: 'bootstrap; without one, a demo of two proxies and a service',
    },
    { name: 'method', value: '<name>', help: 'default GET, with --data POST', check: checkMethod },
    { name: 'data', value: '<text>', help: "the request's body" },
    { name: 'warm', help: 'send it once beforehand: the traced one then finds a connection in the pool' },
    { name: 'json', help: 'one JSON object instead of the table' },
  ],
  notes: [
    'The proxy runs in a process of its own with one worker, its application log at `trace`; its listeners get free ports on 127.0.0.1, and ' +
      'its only access log is the diagnostic line shown at the end. The request goes to the first HTTP listener; of a URL, the host is sent as `host`.',
    'Each row: ms since accept, thread id, downstream connection and stream, upstream connection. The log lines themselves cost time: use ' +
      'the order and the waits, not the microseconds between two neighbours.',
  ],
  run,
};

/** A token of RFC 9110, in capitals as methods are. */
function checkMethod(value: string): string | null {
  return /^[A-Z][A-Z-]*$/.test(value) && value !== 'CONNECT'
    ? null
    : 'must be a method such as GET or DELETE, not CONNECT';
}

async function run({ values, positionals }: ParsedOptions, out: Output): Promise<number> {
  const [target, unexpected] = positionals;
  if (target === undefined) throw new UsageError('trace needs a URL or a path: nodeproxy trace /');
  if (unexpected !== undefined) throw new UsageError(`unexpected "${unexpected}": one request at a time`);
  checkTarget(target);
  const configFile = values.get('config-path');
  const body = values.get('data') ?? '';
  // Loaded only here: who runs a proxy has no use for them.
  const { traceRequest } = await import('../trace/trace-request.ts');
  const { TraceError } = await import('../trace/traced-proxy.ts');
  const { traceJson, traceText } = await import('../trace/trace-text.ts');
  try {
    const result = await traceRequest({
      target,
      method: values.get('method') ?? (values.has('data') ? 'POST' : 'GET'),
      body,
      warm: values.has('warm'),
      ...(configFile === undefined ? {} : { configFile }),
    });
    out.result(values.has('json') ? traceJson(result) : traceText(result));
    return EXIT_OK;
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    out.problem(`nodeproxy: ${error.message}`);
    return EXIT_FAILED;
  }
}

function checkTarget(target: string): void {
  if (target.startsWith('/')) return;
  const url = URL.parse(target);
  if (url?.protocol !== 'http:')
    throw new UsageError(
      `"${target}" is neither a path (/…) nor an http:// URL; the proxy speaks plain HTTP here`,
    );
}
