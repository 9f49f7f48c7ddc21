import { type Charter, datasetOfCharter, requireCharterSignature } from '../../core/charter/charter.ts';
import { ProofError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { CompareParts } from './compare-parts.ts';

/**
 * Whether the owner had named this account as the dataset's device before the one that runs here: by the charters on the
 * chain, and by the one that the service shows under the owner's signature, as a first charter may never have been sent.
 * @throws LedgerUnavailableError when the chain's charters cannot be read, and the service's does not name it
 */
export async function isFormerDevice(
  parts: Pick<CompareParts, 'ledger' | 'service' | 'writer'>,
  account: Address,
  upToBlock: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { ledger, service, writer } = parts;
  const isFormer = ({ device, serial }: Charter): boolean => device === account && serial < writer.serial;
  const [onChain, shown] = await Promise.allSettled([
    ledger.findChartered({ dataset: writer.dataset }, 0, upToBlock, signal),
    service.getAnchor(writer.dataset, {}, signal),
  ]);
  signal.throwIfAborted();
  if (shown.status === 'fulfilled' && isFormer(shown.value.charter) && isOwners(parts, shown.value.charter))
    return true;
  if (onChain.status === 'rejected') throw onChain.reason;
  return onChain.value.some(({ charter }) => isFormer(charter));
}

function isOwners(
  { writer }: Pick<CompareParts, 'writer'>,
  charter: Parameters<typeof requireCharterSignature>[1],
): boolean {
  if (datasetOfCharter(writer.domain, charter) !== writer.dataset) return false;
  try {
    requireCharterSignature(writer.domain, charter);
    return true;
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    return false;
  }
}
