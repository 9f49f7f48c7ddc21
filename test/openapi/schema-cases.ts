/** The part of JSON Schema that the document uses; an unknown keyword fails the walk, so that none goes unseen. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly default?: unknown;
  readonly description?: string;
}

export interface Violation {
  /** The keyword that is broken, and where. */
  readonly what: string;
  readonly value: unknown;
}

const KNOWN: ReadonlySet<string> = new Set<keyof Schema>([
  ...(['type', 'properties', 'required', 'additionalProperties', 'items', 'minItems', 'maxItems'] as const),
  ...([
    'uniqueItems',
    'minimum',
    'maximum',
    'minLength',
    'maxLength',
    'pattern',
    'enum',
    'const',
    'anyOf',
    'default',
    'description',
  ] as const),
]);

/** A value that fits a schema; `salt` makes it another one where that is possible. */
export function validValue(schema: Schema, salt = 0): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.anyOf !== undefined) return validValue(schema.anyOf[salt % schema.anyOf.length] as Schema, salt);
  if (schema.enum !== undefined) return schema.enum[salt % schema.enum.length];
  switch (schema.type) {
    case 'integer':
      return Math.min(Math.max(schema.minimum ?? 0, 0) + salt, schema.maximum ?? Number.MAX_SAFE_INTEGER);
    case 'boolean':
      return salt % 2 === 1;
    case 'string':
      return validText(schema, salt);
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, (_, i) => validValue(schema.items ?? {}, salt + i));
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, member]) => [name, validValue(member, salt)]),
      );
    default:
      throw new Error(`no value for ${JSON.stringify(schema)}`);
  }
}

/** One value for every constraint of a schema, which breaks that one (and perhaps others with it). */
export function violations(schema: Schema, at: string): Violation[] {
  const unknown = Object.keys(schema).filter((keyword) => !KNOWN.has(keyword));
  if (unknown.length > 0) throw new Error(`${at}: the walk does not know ${unknown.join(', ')}`);
  if (schema.anyOf !== undefined) return ofBranches(schema.anyOf, at);
  return [...ofType(schema, at), ...ofBounds(schema, at), ...ofMembers(schema, at), ...ofItems(schema, at)];
}

/** What breaks one branch, and fits none of the others. */
function ofBranches(branches: readonly Schema[], at: string): Violation[] {
  return branches
    .flatMap((branch) => violations(branch, at))
    .filter(({ value }) => !branches.some((branch) => isValid(branch, value)));
}

function isValid(schema: Schema, value: unknown): boolean {
  if (schema.const !== undefined) return value === schema.const;
  if (!fits(schema.type, value)) return false;
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern = '' } = schema;
  if (typeof value !== 'string') return true;
  return value.length >= minLength && value.length <= maxLength && new RegExp(pattern).test(value);
}

function ofType(schema: Schema, at: string): Violation[] {
  const others = [null, true, 'text', 12.5, {}, []].filter((value) => !fits(schema.type, value));
  return [
    ...others.map((value) => ({ what: `${at} type ${JSON.stringify(value)}`, value })),
    ...(schema.const === undefined ? [] : [{ what: `${at} const`, value: 99 }]),
    ...(schema.enum === undefined ? [] : [{ what: `${at} enum`, value: 'none of these' }]),
  ];
}

function ofBounds(schema: Schema, at: string): Violation[] {
  const { minimum, maximum, minLength, maxLength, pattern } = schema;
  const valid = schema.type === 'string' && schema.enum === undefined ? validText(schema, 0) : '';
  const found: (Violation | null)[] = [
    minimum === undefined ? null : { what: `${at} minimum`, value: minimum - 1 },
    // Beyond 2^53 the next number is the same one.
    maximum === undefined ? null : { what: `${at} maximum`, value: maximum + Math.max(1, maximum * 2 ** -50) },
    minLength === undefined || minLength === 0
      ? null
      : { what: `${at} minLength`, value: valid.slice(0, minLength - 1) },
    maxLength === undefined ? null : { what: `${at} maxLength`, value: valid.padEnd(maxLength + 2, '0') },
    pattern === undefined ? null : { what: `${at} pattern`, value: `${valid.slice(0, -1)}\u00e4` },
    pattern === undefined ? null : { what: `${at} pattern, with a line behind`, value: `${valid}\n` },
  ];
  return found.filter((one) => one !== null);
}

function ofMembers(schema: Schema, at: string): Violation[] {
  if (schema.type !== 'object') return [];
  const whole = validValue(schema) as Record<string, unknown>;
  const found: Violation[] = [];
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    const { [name]: _, ...rest } = whole;
    if (schema.required?.includes(name) === true) found.push({ what: `${at}.${name} required`, value: rest });
    for (const { what, value } of violations(member, `${at}.${name}`)) {
      found.push({ what, value: { ...whole, [name]: value } });
    }
  }
  if (schema.additionalProperties === false) {
    found.push({ what: `${at} additionalProperties`, value: { ...whole, unknown: 1 } });
  }
  return found;
}

function ofItems(schema: Schema, at: string): Violation[] {
  const { items, minItems = 0, maxItems } = schema;
  if (schema.type !== 'array' || items === undefined) return [];
  const list = (length: number) => Array.from({ length }, (_, i) => validValue(items, i));
  return [
    ...(minItems === 0 ? [] : [{ what: `${at} minItems`, value: list(minItems - 1) }]),
    ...(maxItems === undefined ? [] : [{ what: `${at} maxItems`, value: list(maxItems + 1) }]),
    ...(schema.uniqueItems === true
      ? [{ what: `${at} uniqueItems`, value: [validValue(items, 1), validValue(items, 1)] }]
      : []),
    ...violations(items, `${at}[]`).map(({ what, value }) => ({ what, value: [value] })),
  ];
}

function fits(type: string | undefined, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

/** Of the few patterns that the interface has: a length in hex digits, pairs of them, a decimal number, anything. */
function validText({ pattern, minLength = 0 }: Schema, salt: number): string {
  if (pattern === undefined) return 'a'.repeat(Math.max(1, minLength));
  // Not zero: that is nobody's account.
  const digit = ((salt + 1) % 16).toString(16);
  const length = /^\^0x\[0-9a-f\]\{(\d+)\}\$$/.exec(pattern)?.[1];
  const candidates = [
    `0x${digit.repeat(Number(length ?? 0))}`,
    `0x${digit.repeat(Math.max(0, minLength - 2))}`,
    `${salt}`,
  ];
  const fitting = candidates.find((text) => new RegExp(pattern).test(text) && text.length >= minLength);
  if (fitting === undefined) throw new Error(`no text for ${pattern}`);
  return fitting;
}
