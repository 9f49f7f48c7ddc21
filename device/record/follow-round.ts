import { equalBytes } from '../../core/bytes.ts';
import type { DisscDomain } from '../../core/dissc-domain.ts';
import { ProofError } from '../../core/errors.ts';
import type { Address, DatasetId, RoundRoot } from '../../core/ids.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { RoundReader } from '../../core/ports/rounds.ts';
import type { ServiceRound, StorageService } from '../../core/ports/service.ts';
import { type RoundHead, verifyRoundHead } from '../../core/rounds/round-head.ts';

export interface RoundParts {
  readonly primitives: Pick<Primitives, 'sha256'>;
  readonly reader: Pick<RoundReader, 'readRound'>;
  readonly service: Pick<StorageService, 'getAnchor'>;
  readonly domain: DisscDomain;
  readonly dataset: DatasetId;
  /** By the charter. */
  readonly anchorer: Address;
  /** Of this device: what others have signed tells it nothing of its own batches. */
  readonly account: Address;
}

/** A head of this device in a final round, and the newest final chain block when that was seen, where it is known. */
export interface FinalRoundHead extends RoundHead {
  readonly seenAtBlock: number | null;
}

/** The newest head of this device in its anchorer's final round, as far as anybody has shown it; null before the first. */
export type FollowRound = (signal: AbortSignal) => Promise<FinalRoundHead | null>;

export interface RoundFollower {
  /** Asks the chain, and the service for the path. */
  readonly follow: FollowRound;
  /** The same with the root that the chain was just asked for, and what the service has shown before. */
  accept(root: RoundRoot | null, shown: ServiceRound | null, signal: AbortSignal): Promise<FinalRoundHead | null>;
}

/**
 * Follows the rounds of a dataset's anchorer: asks the chain which round is final, and the service for the path only when that
 * is another than before. What it returns is verified here, and never goes back. After a restart it begins anew.
 * @throws ProofError when the service shows what does not lead to the chain's round; LedgerUnavailableError, StoreUnavailableError
 */
export function createRoundFollower(parts: RoundParts): RoundFollower {
  const { primitives, reader, service, domain, dataset, anchorer, account } = parts;
  let seen: RoundRoot | null = null;
  let newest: FinalRoundHead | null = null;

  const verify = (root: RoundRoot, shown: ServiceRound): RoundHead | null =>
    verifyRoundHead(primitives, domain, root, dataset, shown);

  /** What was shown before may be of another round than the one that the chain has by now. */
  const isOf = (root: RoundRoot, shown: ServiceRound | null): shown is ServiceRound => {
    if (shown === null) return false;
    try {
      verify(root, shown);
      return true;
    } catch (error) {
      if (error instanceof ProofError) return false;
      throw error;
    }
  };

  const acceptAt = async (
    root: RoundRoot | null,
    before: ServiceRound | null,
    seenAtBlock: number | null,
    signal: AbortSignal,
  ): Promise<FinalRoundHead | null> => {
    if (root === null || (seen !== null && equalBytes(root, seen))) return newest;
    // The service notes a round as final a little later than the chain has it: it is asked again the next time.
    const shown = isOf(root, before) ? before : (await service.getAnchor(dataset, { round: root }, signal)).round;
    if (shown === null) return newest;
    const held = verify(root, shown);
    seen = root;
    const isOurs = held !== null && held.signer === account && held.head.size > (newest?.head.size ?? 0);
    if (isOurs) newest = { ...held, seenAtBlock };
    return newest;
  };

  return {
    async follow(signal) {
      const { round: root, point } = await reader.readRound(anchorer, 'final', signal);
      return acceptAt(root, null, point.blockNumber, signal);
    },
    accept: (root, shown, signal) => acceptAt(root, shown, null, signal),
  };
}
