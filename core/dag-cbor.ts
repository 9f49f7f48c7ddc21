import * as dagCbor from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import { equalBytes } from './bytes.ts';

/** Says what is wrong, and where: `where` is a field. */
export type Refuse = (what: string, where: string, cause?: unknown) => never;

/**
 * A value from canonical dag-cbor. Encoding again catches every second spelling: key order, long integers, indefinite
 * lengths, repeated keys, text that is not UTF-8. The decoder alone accepts most of them.
 */
export function decodeCanonical(bytes: Uint8Array, where: string, refuse: Refuse): unknown {
  let value: unknown;
  let again: Uint8Array;
  try {
    value = dagCbor.decode(bytes);
    again = dagCbor.encode(value);
  } catch (cause) {
    return refuse('It is not dag-cbor.', where, cause);
  }
  if (!equalBytes(again, bytes)) refuse('It is not canonical dag-cbor.', where);
  return value;
}

/** A map with all of `fields`, perhaps some of `optional`, and no other. */
export function requireMap(
  value: unknown,
  where: string,
  fields: readonly string[],
  refuse: Refuse,
  optional: readonly string[] = [],
): Readonly<Record<string, unknown>> {
  const isMap =
    value !== null &&
    typeof value === 'object' &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof CID);
  if (!isMap) return refuse('It must be a map.', where);
  const map = value as Record<string, unknown>;
  for (const field of fields) {
    if (!Object.hasOwn(map, field)) refuse(`The field ${field} is missing.`, where);
  }
  for (const field of Object.keys(map)) {
    if (fields.includes(field) || optional.includes(field)) continue;
    refuse(`The field ${JSON.stringify(field.slice(0, 40))} is unknown.`, where);
  }
  return map;
}

/** A byte string, of this length where one is given. */
export function requireBytes(value: unknown, where: string, refuse: Refuse, length?: number): Uint8Array {
  if (!(value instanceof Uint8Array)) return refuse('It must be a byte string.', where);
  if (length !== undefined && value.length !== length) {
    return refuse(`It has ${value.length} bytes; it must have ${length}.`, where);
  }
  return value;
}

export function requireInteger(value: unknown, where: string, least: number, most: number, refuse: Refuse): number {
  const isInRange =
    typeof value === 'number' &&
    Number.isSafeInteger(value) &&
    value >= least &&
    value <= most &&
    !Object.is(value, -0);
  return isInRange ? value : refuse(`It must be an integer from ${least} to ${most}.`, where);
}

/** A text of 1 character to `mostBytes` bytes in UTF-8. */
export function requireText(value: unknown, where: string, mostBytes: number, refuse: Refuse): string {
  const isText = typeof value === 'string' && value.length > 0 && value.isWellFormed();
  if (!isText) return refuse('It must be a text of at least one character.', where);
  const bytes = new TextEncoder().encode(value).length;
  return bytes <= mostBytes ? value : refuse(`It has ${bytes} bytes in UTF-8; at most ${mostBytes} fit.`, where);
}

export function requireList(value: unknown, where: string, refuse: Refuse): readonly unknown[] {
  return Array.isArray(value) ? value : refuse('It must be a list.', where);
}
