import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { ArgumentError, StoreUnavailableError } from '../../core/errors.ts';
import type { Item, ItemValue } from '../../core/ports/table.ts';

/** DynamoDB's spelling of an item. @throws ArgumentError for a number that would not come back as it is */
export function toAttributes(item: {
  readonly [attribute: string]: ItemValue | undefined;
}): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(item)) {
    if (value !== undefined) attributes[name] = toAttribute(name, value);
  }
  return attributes;
}

/** @throws StoreUnavailableError when the table holds something that this service does not write */
export function fromAttributes(attributes: Record<string, AttributeValue>): Item {
  const item: Record<string, ItemValue> = {};
  for (const [name, attribute] of Object.entries(attributes)) item[name] = fromAttribute(name, attribute);
  if (typeof item.pk !== 'string' || typeof item.sk !== 'string' || typeof item.version !== 'number') {
    throw new StoreUnavailableError(
      'The table holds an item without pk, sk or version. It may be another program’s table.',
    );
  }
  return item as unknown as Item;
}

function toAttribute(name: string, value: ItemValue): AttributeValue {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'boolean') return { BOOL: value };
  if (value instanceof Uint8Array) return { B: value };
  if (typeof value === 'number' && Number.isFinite(value)) return { N: String(value) };
  throw new ArgumentError(`The attribute ${name} is neither text, finite number, flag, bytes nor null.`);
}

function fromAttribute(name: string, attribute: AttributeValue): ItemValue {
  if (attribute.S !== undefined) return attribute.S;
  if (attribute.N !== undefined) return Number(attribute.N);
  if (attribute.BOOL !== undefined) return attribute.BOOL;
  if (attribute.NULL !== undefined) return null;
  // A Buffer is not the Uint8Array that deep comparison and dag-cbor expect.
  if (attribute.B !== undefined) return Uint8Array.from(attribute.B);
  throw new StoreUnavailableError(`The table holds an attribute ${name} of a kind that this service does not write.`);
}
