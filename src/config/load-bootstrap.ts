/**
 * The entrance of the configuration: text in, checked bootstrap out, or every reason why not.
 *
 *   text -> tree with positions (-> merged with --config-yaml) -> message by the schema -> semantic checks -> Bootstrap
 *
 * Nothing is silently ignored: what is unknown, not implemented, out of range or contradictory is an issue with its path, file,
 * line and column. The later steps run even if an earlier one found something, as far as the result makes sense.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Bootstrap } from '../api/envoy.ts';
import { ConfigError, IssueList } from './config-error.ts';
import type { ConfigIssue } from './config-error.ts';
import { mergeTrees } from './merge.ts';
import { MessageReader } from './message-reader.ts';
import { envoySchema } from './schema.ts';
import { checkAll } from './semantics/check-all.ts';
import type { Checks } from './semantics/context.ts';
import { Support } from './support.ts';
import { Source, parseTree } from './yaml-tree.ts';

const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';
const CONFIG_YAML_NAME = '--config-yaml';

export interface ConfigSource {
  readonly text: string;
  /** As it is to be shown in errors; relative paths inside the text begin at its folder. */
  readonly file: string;
}

export interface LoadOptions {
  /** Merged over the file: messages merge, lists append. */
  readonly configYaml?: string;
  readonly checks?: Checks;
}

export type Validation =
  { readonly ok: true } | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/** Throws `ConfigError`. */
export function loadBootstrap(source: ConfigSource, options: LoadOptions = {}): Bootstrap {
  const schema = envoySchema();
  const issues = new IssueList(source.file);
  let tree = parseTree(new Source(source.file, source.text), issues);
  if (options.configYaml !== undefined) {
    const over = parseTree(new Source(CONFIG_YAML_NAME, options.configYaml), issues);
    tree = mergeTrees(schema, BOOTSTRAP, tree, over);
  }
  issues.throwIfAny();
  const textLength = source.text.length + (options.configYaml?.length ?? 0);
  const reader = new MessageReader({ schema, issues, support: new Support(), rules: true, textLength });
  const message = reader.read(BOOTSTRAP, tree);
  const folder = dirname(resolve(source.file));
  checkAll(BOOTSTRAP, message, { schema, reader, issues, folder, checks: options.checks ?? {} });
  issues.throwIfAny();
  // The schema that the message was read by is the one that the type was printed from.
  return message;
}

/** Reads and checks a file without running it. A file that cannot be read is an issue too. */
export function validate(file: string, options: LoadOptions = {}): Validation {
  return validation(() => loadBootstrap({ text: readConfigFile(file), file }, options));
}

/** The same for a text that is at hand. */
export function validateText(source: ConfigSource, options: LoadOptions = {}): Validation {
  return validation(() => loadBootstrap(source, options));
}

function validation(load: () => unknown): Validation {
  try {
    load();
    return { ok: true };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ok: false, issues: error.issues };
  }
}

/** Throws `ConfigError` for a file that is not there or not readable. */
export function readConfigFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([{ file, line: 0, column: 0, path: '(root)', message: unreadable(error) }]);
  }
}

/** What is wrong in the user's words, and the code of the system behind it. */
const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'this is a folder',
  EACCES: 'reading it is not permitted',
};

function unreadable(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const words = UNREADABLE[code];
  return words === undefined ? message : `${words} (${code})`;
}
