import {
  anchorerOf,
  datasetOfCharter,
  isSameCharter,
  requireCharterSignature,
  type SignedCharter,
} from '../../core/charter/charter.ts';
import { ProofError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { ChainDevice } from '../../core/ports/ledger.ts';
import type { DeviceParts } from '../device-options.ts';

/** In whose rounds the dataset stands, by the newest charter that names this device and is known to be the chain's. */
export interface CharterFollower {
  /** Null where it is recorded directly only. */
  anchorer(): Address | null;
  /** Whether the chain names this device by a later charter than the one known here: then the service is worth asking for it. */
  isBehind(onChain: ChainDevice | null): boolean;
  /** Whether this charter, which the service shows, is the owner's and later than the one known here: then the chain is worth asking. */
  isNews(shown: SignedCharter): boolean;
  /**
   * Takes over from such a charter who anchors, if the final chain has it.
   * @returns whether that is another than before
   * @throws LedgerUnavailableError
   */
  accept(shown: SignedCharter, signal: AbortSignal): Promise<boolean>;
}

type Parts = Pick<DeviceParts, 'ledger' | 'writer' | 'account' | 'charter'>;

/**
 * An owner may charter a dataset to another anchorer while its device runs: `device.json` names the former one then, for whose
 * rounds the device would wait for ever. The service shows the charter under the owner's signature, or without one where the chain's
 * event is to be asked; the chain says by its serial whether it is in force. After a restart the device learns it anew.
 */
export function createCharterFollower({ ledger, writer, account, charter }: Parts): CharterFollower {
  const { dataset, domain } = writer;
  let known = charter;

  const isOwners = (shown: SignedCharter): boolean => {
    if (datasetOfCharter(domain, shown) !== dataset) return false;
    // A contract account signs none, and an owner may have been stopped before it showed its own: the chain's event says it then.
    if (shown.signature === null) return true;
    try {
      requireCharterSignature(domain, shown);
      return true;
    } catch (error) {
      if (error instanceof ProofError) return false;
      throw error;
    }
  };

  return {
    anchorer: () => anchorerOf(known),
    isBehind: (onChain) => onChain !== null && onChain.serial > known.serial && onChain.device === account,
    isNews: (shown) => shown.serial > known.serial && shown.device === account && isOwners(shown),
    async accept(shown, signal) {
      const { devices, point } = await ledger.readDevices([dataset], 'final', signal);
      // Another device's turn, or a charter that is not final yet: the next answer is looked at again.
      if (devices[0]?.serial !== shown.serial || devices[0].device !== account) return false;
      if (shown.signature === null) {
        const events = await ledger.findChartered({ dataset }, 0, point.blockNumber, signal);
        if (!events.some((event) => isSameCharter(event.charter, shown))) return false;
      }
      const before = anchorerOf(known);
      known = shown;
      return anchorerOf(known) !== before;
    },
  };
}
