import * as z from 'zod';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly schema: JsonSchema;
}

/** Whether a request has no such part. */
export function isAbsent(schema: z.ZodType): boolean {
  return schema instanceof z.ZodUndefined;
}

/** JSON Schema of a value as it travels, before anything is made of it. */
export function wireSchema(schema: z.ZodType): JsonSchema {
  return toJsonSchema(schema, 'input');
}

/**
 * Parameters of a path or a query. They travel as text; those that are read as numbers are described as the numbers, with
 * their bounds, as every generator of clients and of tests then writes them right.
 */
export function describeQuery(place: Parameter['in'], schema: z.ZodType): Parameter[] {
  const { properties: asText = {}, required = [] } = toJsonSchema(schema, 'input') as ObjectSchema;
  const { properties: asRead = {} } = toJsonSchema(schema, 'output') as ObjectSchema;
  return Object.entries(asText).map(([name, text]) => {
    const read = asRead[name];
    const isNumber = read?.type === 'integer';
    return { name, in: place, required: required.includes(name), schema: isNumber ? read : text };
  });
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
}

function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  // What a transformation makes of it has no JSON Schema: seen from the other side it has.
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return described as JsonSchema;
}
