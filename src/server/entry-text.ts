/**
 * The text form of one snapshot entry: JSON, in which a Buffer of the configuration (a certificate, a body) is tagged base64.
 *
 * Main encodes an entry once when it changes; a worker decodes it when it first needs it. Entries without a Buffer, nearly all,
 * are marked so and take JSON's plain, fast way back.
 */

/** No configuration has a field of this name: field names of Envoy are identifiers. */
const BYTES_TAG = '\u0000bytes';

export interface EntryText {
  readonly text: string;
  /** The text contains tagged bytes. */
  readonly tagged: boolean;
}

export function encodeEntry(value: unknown): EntryText {
  let tagged = false;
  // `this[key]`, because JSON has already called `Buffer.toJSON` for the second argument.
  function replace(this: Record<string, unknown>, key: string, shown: unknown): unknown {
    const original = this[key];
    if (!(original instanceof Uint8Array)) return shown;
    tagged = true;
    return { [BYTES_TAG]: Buffer.from(original).toString('base64') };
  }
  const text = JSON.stringify(value, replace);
  return { text, tagged };
}

export function decodeEntry(entry: EntryText): unknown {
  return entry.tagged ? JSON.parse(entry.text, revive) : JSON.parse(entry.text);
}

function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !(BYTES_TAG in value)) return value;
  return Buffer.from(String(value[BYTES_TAG]), 'base64');
}
