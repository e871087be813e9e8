/**
 * The text of a head's fields: what both encoders put behind their start line. Names come ready with line end and colon from
 * `HeaderName`, values are clean by the invariant of `HeaderList`; one string is built and written with one call.
 */
import { checkText, type HeaderList } from '../header-map.ts';
import { headerName, type HeaderName } from '../header-name.ts';
import type { HeaderKeyFormat } from './settings.ts';

/**
 * Appends the entries to `text`. Connection-level fields are left out: the codec writes its own.
 * `keepLength`: the first Content-Length goes out as it stands in the map, never a second.
 */
export function appendFields(
  text: string,
  list: HeaderList,
  format: HeaderKeyFormat,
  keepLength: boolean,
): string {
  let head = text;
  let lengths = keepLength ? 1 : 0;
  const size = list.size;
  for (let index = 0; index < size; index += 1) {
    const name = list.entryName(index);
    if (name.kind !== 'plain' && name.kind !== 'routing') {
      if (name.kind !== 'content-length' || lengths === 0) continue;
      lengths = 0;
    }
    head += fieldOf(name, format) + list.valueAt(index);
  }
  return head;
}

function fieldOf(name: HeaderName, format: HeaderKeyFormat): string {
  if (format === 'lower') return name.lowerField;
  return format === 'preserve' ? name.wireField : name.properField;
}

/** A field that the codec itself adds, in the case of the format (`preserve` knows no spelling for it: lower). */
export class OwnField {
  readonly #lower: string;
  readonly #proper: string;

  constructor(name: string, value: string) {
    const entry = headerName(name);
    this.#lower = entry.lowerField + value;
    this.#proper = entry.properField + value;
  }

  text(format: HeaderKeyFormat): string {
    return format === 'proper-case' ? this.#proper : this.#lower;
  }
}

export const CONNECTION_CLOSE: OwnField = new OwnField('connection', 'close');
export const CONNECTION_KEEP_ALIVE: OwnField = new OwnField('connection', 'keep-alive');
export const CONNECTION_UPGRADE: OwnField = new OwnField('connection', 'upgrade');
export const UPGRADE: OwnField = new OwnField('upgrade', '');
export const CHUNKED: OwnField = new OwnField('transfer-encoding', 'chunked');
export const LENGTH_ZERO: OwnField = new OwnField('content-length', '0');

/** `upgrade: token` with its connection option. */
export function upgradeFields(protocol: string, format: HeaderKeyFormat): string {
  checkText(protocol);
  return CONNECTION_UPGRADE.text(format) + UPGRADE.text(format) + protocol;
}

/** Whether the map asks for the end of the connection (set by a filter, the connection manager or the pool). */
export function asksToClose(list: HeaderList): boolean {
  const value = list.get('connection');
  if (value === null) return false;
  return (
    value === 'close' ||
    value
      .toLowerCase()
      .split(',')
      .some((option) => option.trim() === 'close')
  );
}
