/**
 * Makes text from outside safe to stand in a log line: nothing that a peer sends can end the line, close a quoted column or
 * reach a terminal as a control sequence.
 *
 * Bytes outside printable ASCII, quotes and backslashes become `\xNN` (of their UTF-8 form where they are no single byte), so
 * the escape is unambiguous and a line is ASCII except for what the operator wrote into the format.
 */

/** Of one value; a head may be 60 KiB and the same header may stand in a format many times. */
const MAX_VALUE_CHARACTERS = 8192;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Printable ASCII that needs no escape. */
export function isPlain(code: number): boolean {
  return code >= 0x20 && code < 0x7f && code !== QUOTE && code !== BACKSLASH;
}

function hex(byte: number): string {
  return '\\x' + (byte < 16 ? '0' : '') + byte.toString(16);
}

export function escapeText(value: string): string {
  const text = value.length > MAX_VALUE_CHARACTERS ? value.slice(0, MAX_VALUE_CHARACTERS) : value;
  for (let index = 0; index < text.length; index += 1) {
    if (!isPlain(text.charCodeAt(index))) return escapeFrom(text, index);
  }
  return text;
}

function escapeFrom(text: string, from: number): string {
  let escaped = text.slice(0, from);
  for (const character of text.slice(from)) {
    const code = character.codePointAt(0) ?? 0;
    if (isPlain(code)) escaped += character;
    else if (code <= 0xff) escaped += hex(code);
    else for (const byte of Buffer.from(character)) escaped += hex(byte);
  }
  return escaped;
}
