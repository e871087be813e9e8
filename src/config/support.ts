/**
 * Answers "is it implemented?" from the lists of `supported.ts`, parsed per message when it is first asked about.
 */
import { SUPPORTED_EXTENSIONS, SUPPORTED_FIELDS, SUPPORTED_VALUES } from './supported.ts';

export class Support {
  readonly #fields = new Map<string, ReadonlySet<string>>();
  readonly #values = new Map<string, ReadonlySet<string>>();

  hasField(message: string, field: string): boolean {
    return listed(this.#fields, SUPPORTED_FIELDS, message)?.has(field) === true;
  }

  /** An enum that is not listed is implemented whole. */
  hasValue(enumName: string, value: string): boolean {
    return listed(this.#values, SUPPORTED_VALUES, enumName)?.has(value) ?? true;
  }

  /** Why `message` may not stand behind the `Any` at `place` (`<message>.<field>`); '' = it may. */
  refusedExtension(place: string, message: string): string {
    if (SUPPORTED_EXTENSIONS[place]?.includes(message)) return '';
    const elsewhere = Object.values(SUPPORTED_EXTENSIONS).some((all) => all.includes(message));
    return elsewhere ? 'does not belong here' : 'known to Envoy, not supported by nodeproxy yet';
  }
}

function listed(
  cache: Map<string, ReadonlySet<string>>,
  table: Readonly<Record<string, string>>,
  name: string,
): ReadonlySet<string> | undefined {
  let names = cache.get(name);
  if (names === undefined) {
    const line = table[name];
    if (line === undefined) return undefined;
    names = new Set(line.split(/\s+/).filter((word) => word !== ''));
    cache.set(name, names);
  }
  return names;
}
