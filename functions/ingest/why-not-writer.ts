import type { Manifest } from '../../core/batch/manifest-fields.ts';
import type { Address } from '../../core/ids.ts';
import type { ChainDevice } from '../../core/ports/ledger.ts';
import { deviceInForce, type KeptCharter } from '../state/dataset-entry.ts';

/**
 * Why an account may not have written a batch, or null: the device in force may, and an earlier one below the `from` of every
 * device after it (specification#charters-in-force).
 */
export function whyNotWriter(
  charters: readonly KeptCharter[],
  onChain: ChainDevice | null,
  { first, blocks }: Pick<Manifest, 'first' | 'blocks'>,
  signer: Address,
): string | null {
  const shown = charters.map(({ charter }) => charter);
  const device = deviceInForce(onChain, shown);
  if (signer === device) return null;
  const last = first + blocks.length - 1;
  const named = shown.findLast((charter) => charter.device === signer);
  if (named === undefined) return `${signer} signed the head, but the dataset's device is ${device}.`;
  const after = shown.filter(({ serial, device }) => serial > named.serial && device !== signer);
  const successor = after.find(({ from }) => from <= last);
  if (successor === undefined && after.length > 0) return null;
  if (successor === undefined) return `${signer} signed the head, but the dataset's device is ${device}.`;
  return `${signer} signed the head, but its successor ${successor.device} writes from block ${successor.from} on.`;
}
