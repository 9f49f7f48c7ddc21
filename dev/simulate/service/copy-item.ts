import type { Item } from '../../../core/ports/table.ts';

/** A copy that shares no bytes with the item. `structuredClone` takes twice as long. */
export function copyItem(item: Item): Item {
  const copied = { ...item };
  for (const [name, value] of Object.entries(copied)) {
    if (value instanceof Uint8Array) Object.assign(copied, { [name]: new Uint8Array(value) });
  }
  return copied;
}
