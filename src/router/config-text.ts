/**
 * Text of a route configuration that ends up in messages: checked once, here, because the codec holds what stands in a header
 * map for safe (a line break in it would be a second request).
 */
const FIELD_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;
const TARGET_TEXT = /^[\x21-\x7e\x80-\xff]*$/;

/** Of a header's value. */
export function fieldText(text: string, what: string): string {
  if (!FIELD_TEXT.test(text)) throw new Error(`${what}: ${JSON.stringify(text)} cannot stand in a header`);
  return text;
}

/** Of a path or authority: no blanks either. */
export function targetText(text: string, what: string): string {
  if (!TARGET_TEXT.test(text))
    throw new Error(`${what}: ${JSON.stringify(text)} cannot stand in a request line`);
  return text;
}
