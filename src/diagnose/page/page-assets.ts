/**
 * The page's style and script as text, read from beside this file: they are files of their own so that they are formatted and
 * type-checked (`tsconfig.json` here), and the build copies them as they are.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { invariant } from '../../base/invariant.ts';

export interface Asset {
  readonly text: string;
  /** For a Content-Security-Policy that allows this text and nothing else. */
  readonly source: string;
}

const SCRIPTS = ['draw-waterfall.js', 'client.js'] as const;

export function pageStyle(): Asset {
  return asset(read('page.css'));
}

/** All scripts in one, in a scope of their own. */
export function pageScript(): Asset {
  const parts = SCRIPTS.map((name) =>
    read(name)
      .replace(/^import .*;\n/gm, '')
      .replace(/^export /gm, ''),
  );
  return asset(`'use strict';\n{\n${parts.join('\n')}}\n`);
}

function read(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

function asset(text: string): Asset {
  invariant(!/<\/(?:script|style)|<!--/i.test(text), 'a part of the page would end its own element');
  const hash = createHash('sha256').update(text).digest('base64');
  return { text, source: `'sha256-${hash}'` };
}
