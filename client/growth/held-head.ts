import { type CharterHistory, deviceSerial, doesRoundCount } from '../../core/charter/charters-in-force.ts';
import { counted } from '../../core/counted.ts';
import type { DisscDomain } from '../../core/dissc-domain.ts';
import { ProofError } from '../../core/errors.ts';
import type { Address, RoundRoot } from '../../core/ids.ts';
import type { SignedHead } from '../../core/log/head.ts';
import type { SeenRound } from '../../core/ports/head-memory.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { ServiceRound } from '../../core/ports/service.ts';
import { type RoundHead, verifyRoundHead } from '../../core/rounds/round-head.ts';
import type { RoundView } from './round-view.ts';

/** A head in a round that counts for its dataset, with all that leads there. */
export interface HeldHead extends Omit<SeenRound, 'peaks'> {
  readonly head: SignedHead;
  readonly timeSeconds: number;
}

/**
 * A head in a round of the chain, if the round counts: its transaction is there, at a block at which the charter names its
 * anchorer. Else why it does not.
 * @throws ProofError when its signer is no device of the dataset
 */
export async function countingRound(
  {
    view,
    charters,
    anchorer,
    root,
    shown,
    verified,
  }: {
    readonly view: RoundView;
    readonly charters: CharterHistory;
    readonly anchorer: Address;
    readonly root: RoundRoot;
    readonly shown: ServiceRound;
    readonly verified: RoundHead;
  },
  signal?: AbortSignal,
): Promise<HeldHead | string> {
  const { head, signer, round } = verified;
  if (deviceSerial(charters, signer) !== head.serial) {
    throw new ProofError(
      `Round ${round.number} holds a head of ${counted(head.size, 'block')} signed by ${signer}, but no charter with serial ${head.serial} names that account.`,
    );
  }
  const blockNumber = await view.findBlock({ anchorer, root, txHash: round.txHash }, signal);
  if (blockNumber === null) return `The chain lacks the transaction that the service names for round ${round.number}.`;
  if (!doesRoundCount(charters, { anchorer, blockNumber })) {
    return `Round ${round.number} is older than the charter that names its anchorer.`;
  }
  const kept = { ...shown, head };
  return { anchorer, root, shown: kept, signer, blockNumber, head, timeSeconds: round.timeSeconds };
}

/** A head that was seen in an earlier round, if that is in the chain and counts still; null where not. */
export async function keptHead(
  {
    hasher,
    view,
    domain,
    charters,
  }: {
    readonly hasher: Pick<Primitives, 'sha256'>;
    readonly view: RoundView;
    readonly domain: DisscDomain;
    readonly charters: CharterHistory;
  },
  { anchorer, root, shown }: SeenRound,
  signal?: AbortSignal,
): Promise<HeldHead | null> {
  try {
    const verified = verifyRoundHead(hasher, domain, root, shown.head.dataset, shown);
    if (verified === null) return null;
    const held = await countingRound({ view, charters, anchorer, root, shown, verified }, signal);
    return typeof held === 'string' ? null : held;
  } catch (error) {
    if (error instanceof ProofError) return null;
    throw error;
  }
}
