/**
 * HTML that cannot be broken by what is put into it: the tag `markup` escapes every value that is not itself made by it.
 *
 * Values come from log lines, so from strangers: besides the five characters of HTML, everything that does not show as itself is
 * written out (`printable`). No value is ever put into a style, a script or a name of an attribute.
 */
import { printable } from '../waterfall/printable.ts';

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type HtmlValue = string | number | Html | readonly Html[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escaped(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

export function markup(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = parts[0] ?? '';
  values.forEach((value, index) => {
    text += textOf(value) + (parts[index + 1] ?? '');
  });
  return new Html(text);
}

function textOf(value: HtmlValue): string {
  if (value instanceof Html) return value.text;
  if (typeof value === 'string') return escaped(value);
  return typeof value === 'number' ? String(value) : value.map(({ text }) => text).join('');
}

export const NOTHING = new Html('');

/** JSON for a `<script type="application/json">`: no `<` in it, so no text can end the element or open a comment. */
export function embeddedJson(value: unknown): Html {
  const text = JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
  return new Html(text);
}
