/**
 * The constraints of Envoy's definitions on one value (`descriptor.ts`, `Rules`): what protoc-gen-validate checks in Envoy.
 * Returns the operator's text of each one that is broken; the caller knows the place.
 */
import type { Rules } from './descriptor.ts';

/** A header name as in RFC 9110, or a pseudo header. */
const HEADER_NAME = /^:?[0-9a-zA-Z!#$%&'*+\-.^_|~`]+$/;
const TAB = 9;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const DELETE = 127;

export function brokenRules(rules: Rules, value: unknown, isDuration: boolean): string[] {
  const broken: string[] = [];
  if (rules.is !== undefined && value !== rules.is) broken.push(`must be ${String(rules.is)}`);
  if (typeof value === 'number') checkNumber(rules, value, isDuration, broken);
  else if (typeof value === 'string') checkString(rules, value, broken);
  else if (Buffer.isBuffer(value)) checkLength(rules, value.length, 'byte', broken);
  else if (Array.isArray(value)) checkList(rules, value, broken);
  else if (typeof value === 'object' && value !== null && rules.minPairs !== undefined) {
    const pairs = Object.keys(value).length;
    if (pairs < rules.minPairs) broken.push(`must have at least ${rules.minPairs} entries`);
  }
  return broken;
}

function checkNumber(rules: Rules, value: number, isDuration: boolean, broken: string[]): void {
  const text = (bound: number): string => (isDuration ? `${bound / 1000}s` : String(bound));
  if (rules.min !== undefined && !(value >= rules.min)) broken.push(`must be >= ${text(rules.min)}`);
  if (rules.max !== undefined && !(value <= rules.max)) broken.push(`must be <= ${text(rules.max)}`);
  if (rules.above !== undefined && !(value > rules.above)) broken.push(`must be > ${text(rules.above)}`);
  if (rules.below !== undefined && !(value < rules.below)) broken.push(`must be < ${text(rules.below)}`);
  checkMembership(rules, value, broken);
}

function checkString(rules: Rules, value: string, broken: string[]): void {
  if (value === '' && rules.ignoreEmpty === 1) return;
  checkLength(rules, Array.from(value).length, 'character', broken);
  if (rules.minBytes !== undefined || rules.maxBytes !== undefined) {
    const bytes = Buffer.byteLength(value);
    if (rules.minBytes !== undefined && bytes < rules.minBytes) {
      broken.push(value === '' ? 'required' : `must have at least ${rules.minBytes} bytes`);
    }
    if (rules.maxBytes !== undefined && bytes > rules.maxBytes)
      broken.push(`must have at most ${rules.maxBytes} bytes`);
  }
  if (rules.prefix !== undefined && !value.startsWith(rules.prefix))
    broken.push(`must begin with "${rules.prefix}"`);
  if (rules.suffix !== undefined && !value.endsWith(rules.suffix))
    broken.push(`must end with "${rules.suffix}"`);
  if (rules.contains !== undefined && !value.includes(rules.contains))
    broken.push(`must contain "${rules.contains}"`);
  if (rules.pattern !== undefined && !new RegExp(rules.pattern, 'u').test(value)) {
    broken.push(`must match ${rules.pattern}`);
  }
  if (rules.header !== undefined && !isHeaderText(rules, value)) {
    broken.push(`holds characters that an HTTP header ${rules.header} must not have`);
  }
  checkMembership(rules, value, broken);
}

/** `lax` refuses only what would end a line or a text; otherwise no control character but the tab may occur. */
function isHeaderText(rules: Rules, value: string): boolean {
  if (rules.lax !== 1 && rules.header === 'name') return HEADER_NAME.test(value);
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code === 0 || code === LINE_FEED || code === CARRIAGE_RETURN) return false;
    if (rules.lax !== 1 && (code === DELETE || (code < SPACE && code !== TAB))) return false;
  }
  return true;
}

function checkLength(rules: Rules, length: number, unit: string, broken: string[]): void {
  if (rules.minLen !== undefined && length < rules.minLen) {
    broken.push(length === 0 ? 'required' : `must have at least ${rules.minLen} ${unit}s`);
  }
  if (rules.maxLen !== undefined && length > rules.maxLen)
    broken.push(`must have at most ${rules.maxLen} ${unit}s`);
}

function checkMembership(rules: Rules, value: string | number, broken: string[]): void {
  if (rules.in !== undefined && !rules.in.includes(value))
    broken.push(`must be one of ${rules.in.join(', ')}`);
  if (rules.notIn?.includes(value)) broken.push(`must not be ${JSON.stringify(value)}`);
}

function checkList(rules: Rules, value: readonly unknown[], broken: string[]): void {
  if (rules.minItems !== undefined && value.length < rules.minItems) {
    broken.push(`must have at least ${rules.minItems} item${rules.minItems === 1 ? '' : 's'}`);
  }
  if (rules.maxItems !== undefined && value.length > rules.maxItems) {
    broken.push(`must have at most ${rules.maxItems} items`);
  }
  if (rules.unique === 1 && new Set(value).size < value.length) broken.push('must not repeat an item');
}
