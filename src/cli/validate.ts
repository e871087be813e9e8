/** `nodeproxy validate FILE…`: checks configurations without running them; every error of every file, each with its place. */
import { formatIssue } from '../config/config-error.ts';
import { validate } from '../config/load-bootstrap.ts';
import { CONFIG_CHECKS } from '../server/config-checks.ts';
import { EXIT_FAILED, EXIT_OK } from './command.ts';
import type { Command, Output } from './command.ts';
import { UsageError } from './option.ts';
import type { ParsedOptions } from './option.ts';

export const VALIDATE: Command = {
  name: 'validate',
  summary: 'Check configuration files without running them',
  usage: 'FILE…',
  options: [],
  notes: ['Prints `FILE: OK`, or all errors with path, line and column. Exit code 1 if any file has one.'],
  run(options, out) {
    return Promise.resolve(run(options, out));
  },
};

function run({ positionals }: ParsedOptions, out: Output): number {
  if (positionals.length === 0) throw new UsageError('validate needs a file');
  let code = EXIT_OK;
  for (const file of positionals) {
    const result = validate(file, { checks: CONFIG_CHECKS });
    if (result.ok) {
      out.result(`${file}: OK`);
      continue;
    }
    code = EXIT_FAILED;
    for (const issue of result.issues) out.problem(formatIssue(issue));
  }
  return code;
}
