/**
 * `nodeproxy validate [-c] FILE…`: checks configurations without running them; every error of every file, each with its place. `-c`
 * and `--config-yaml` mean what they mean to `run`, so that a command line for the one serves the other.
 */
import { formatIssue } from '../config/config-error.ts';
import { validate, validateText } from '../config/load-bootstrap.ts';
import type { Validation } from '../config/load-bootstrap.ts';
import { CONFIG_CHECKS } from '../server/config-checks.ts';
import { EXIT_FAILED, EXIT_OK } from './command.ts';
import type { Command, Output } from './command.ts';
import { UsageError } from './option.ts';
import type { ParsedOptions } from './option.ts';
import { CONFIG_OPTIONS } from './run-options.ts';

export const VALIDATE: Command = {
  name: 'validate',
  summary: 'Check configuration files without running them',
  usage: '[-c] FILE… [--config-yaml TEXT]',
  options: CONFIG_OPTIONS,
  notes: ['Prints `FILE: OK`, or all errors with path, line and column. Exit code 1 if any file has one.'],
  run(options, out) {
    return Promise.resolve(run(options, out));
  },
};

function run({ values, positionals }: ParsedOptions, out: Output): number {
  const file = values.get('config-path');
  const configYaml = values.get('config-yaml');
  const files = file === undefined ? positionals : [file, ...positionals];
  if (files.length > 0) {
    const over = configYaml === undefined ? {} : { configYaml };
    const results = files.map((name) =>
      report(name, validate(name, { ...over, checks: CONFIG_CHECKS }), out),
    );
    return results.includes(false) ? EXIT_FAILED : EXIT_OK;
  }
  if (configYaml === undefined) throw new UsageError('validate needs a file');
  const source = { text: configYaml, file: '--config-yaml' };
  return report(source.file, validateText(source, { checks: CONFIG_CHECKS }), out) ? EXIT_OK : EXIT_FAILED;
}

function report(name: string, result: Validation, out: Output): boolean {
  if (result.ok) out.result(`${name}: OK`);
  else for (const issue of result.issues) out.problem(formatIssue(issue));
  return result.ok;
}
