/**
 * The schema table at run time: what Envoy's definitions say of a message or an enum, by full name.
 *
 * The file is read once; a line is parsed when its message is first asked for, so a program pays for the few dozen messages
 * that its configuration names, not for all 870.
 */
import { readFileSync } from 'node:fs';
import type { EnumDescriptor, FieldDescriptor, MessageDescriptor } from './descriptor.ts';

export interface Field extends FieldDescriptor {
  readonly name: string;
}

export interface MessageType {
  readonly name: string;
  readonly fields: readonly Field[];
  /** By the name of the definition and by its camel-case form, which JSON may use. */
  readonly byName: ReadonlyMap<string, Field>;
  readonly requiredOneofs: readonly string[];
  /** The fields with rules, and the fields that hold messages (`Any` included, the other well-known types not). */
  readonly constrained: readonly Field[];
  readonly nested: readonly Field[];
}

export interface EnumType {
  readonly name: string;
  readonly numbers: ReadonlyMap<string, number>;
  /** Of aliases, the first name. */
  readonly names: ReadonlyMap<number, string>;
}

const WRAPPER = /^google\.protobuf\.(Double|Float|Int64|UInt64|Int32|UInt32|Bool|String|Bytes)Value$/;

/** Everything of Google's that is read as one value. */
const WELL_KNOWN_VALUE = /^google\.protobuf\.(?!Any$)/;

/** The scalar inside a wrapper message (`google.protobuf.UInt32Value` -> `uint32`), '' for any other message. */
export function wrappedScalar(message: string): string {
  return WRAPPER.exec(message)?.[1]?.toLowerCase() ?? '';
}

export class Schema {
  readonly #lines = new Map<string, string>();
  readonly #messages = new Map<string, MessageType>();
  readonly #enums = new Map<string, EnumType>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const tab = line.indexOf('\t');
      if (tab > 0) this.#lines.set(line.slice(0, tab), line);
    }
  }

  has(name: string): boolean {
    return this.#lines.has(name);
  }

  names(): Iterable<string> {
    return this.#lines.keys();
  }

  isMessage(name: string): boolean {
    return this.#lines.get(name)?.startsWith('\t{"f":{', name.length) === true;
  }

  /** Throws where the table has no such message: check names that come from outside with `isMessage`. */
  message(name: string): MessageType {
    let type = this.#messages.get(name);
    if (type === undefined) {
      type = messageType(name, JSON.parse(this.#json(name)) as MessageDescriptor);
      this.#messages.set(name, type);
    }
    return type;
  }

  enum(name: string): EnumType {
    let type = this.#enums.get(name);
    if (type === undefined) {
      const numbers = new Map(Object.entries(JSON.parse(this.#json(name)) as EnumDescriptor));
      const names = new Map<number, string>();
      for (const [text, number] of numbers) if (!names.has(number)) names.set(number, text);
      type = { name, numbers, names };
      this.#enums.set(name, type);
    }
    return type;
  }

  #json(name: string): string {
    const line = this.#lines.get(name);
    if (line === undefined) throw new Error(`schema: nothing is called ${name}`);
    return line.slice(name.length + 1);
  }
}

function messageType(name: string, descriptor: MessageDescriptor): MessageType {
  const fields = Object.entries(descriptor.f).map(([field, rest]) => ({ name: field, ...rest }));
  const byName = new Map<string, Field>();
  for (const field of fields) {
    byName.set(field.name, field);
    byName.set(
      field.name.replace(/_(\w)/g, (_all, letter: string) => letter.toUpperCase()),
      field,
    );
  }
  const constrained = fields.filter((field) => field.v !== undefined);
  const nested = fields.filter((field) => field.m !== undefined && !WELL_KNOWN_VALUE.test(field.m));
  return { name, fields, byName, requiredOneofs: descriptor.q ?? [], constrained, nested };
}

/** `fooBar` -> `foo_bar`; a name in the form of the definitions stays as it is. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

let shared: Schema | null = null;

/** The schema of this thread. */
export function envoySchema(): Schema {
  shared ??= new Schema(readFileSync(new URL('envoy-schema.txt', import.meta.url), 'latin1'));
  return shared;
}
