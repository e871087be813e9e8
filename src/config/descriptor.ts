/**
 * What the schema says of one message: the shape of a line of `envoy-schema.txt`.
 *
 * Written by `scripts/gen-schema.ts`, read by `schema.ts`. Keys are one letter because the table holds 2,700 fields and is
 * part of the package; every reader goes through these types.
 */

/** The constraints that Envoy's definitions put on a field (protoc-gen-validate). Durations are in ms. */
export interface Rules {
  readonly required?: 1;
  /** Inclusive bounds. */
  readonly min?: number;
  readonly max?: number;
  /** Exclusive bounds. */
  readonly above?: number;
  readonly below?: number;
  /** In characters. */
  readonly minLen?: number;
  readonly maxLen?: number;
  /** In bytes of UTF-8. */
  readonly minBytes?: number;
  readonly maxBytes?: number;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly contains?: string;
  readonly pattern?: string;
  /** Text that may stand in an HTTP header; `lax` refuses NUL, CR and LF only. */
  readonly header?: 'name' | 'value';
  readonly lax?: 1;
  readonly ignoreEmpty?: 1;
  readonly in?: readonly (string | number)[];
  readonly notIn?: readonly (string | number)[];
  readonly is?: string | number | boolean;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly unique?: 1;
  readonly minPairs?: number;
  readonly items?: Rules;
  readonly keys?: Rules;
  readonly values?: Rules;
}

export interface FieldDescriptor {
  /** Field number. */
  readonly n: number;
  /** Exactly one of the three: scalar type, message name, enum name. */
  readonly t?: string;
  readonly m?: string;
  readonly e?: string;
  /** Repeated. */
  readonly r?: 1;
  /** Packed on the wire. */
  readonly p?: 1;
  /** A map; the type of its keys. */
  readonly k?: string;
  /** Name of the oneof that it is part of. */
  readonly o?: string;
  /** Deprecated by Envoy. */
  readonly d?: 1;
  /** Sensitive: never shown in a dump. */
  readonly s?: 1;
  readonly v?: Rules;
}

export interface MessageDescriptor {
  /** Fields by name, in order of the definition. */
  readonly f: Readonly<Record<string, FieldDescriptor>>;
  /** Oneofs of which one member must be set. */
  readonly q?: readonly string[];
}

/** Values of an enum: name to number. */
export type EnumDescriptor = Readonly<Record<string, number>>;

export interface SchemaModel {
  readonly messages: ReadonlyMap<string, MessageDescriptor>;
  readonly enums: ReadonlyMap<string, EnumDescriptor>;
}
