import { doesRoundCount } from '../../core/charter/charters-in-force.ts';
import type { DisscDomain } from '../../core/dissc-domain.ts';
import { PlumblineError, StateError } from '../../core/errors.ts';
import type { EvidenceRound } from '../../core/evidence/evidence.ts';
import type { Address, BlockIndex, DatasetId } from '../../core/ids.ts';
import type { SignedHead } from '../../core/log/head.ts';
import type { RoundEvent } from '../../core/ports/rounds.ts';
import { verifyRoundHead } from '../../core/rounds/round-head.ts';
import type { RoundSources } from '../growth/round-standing.ts';
import type { AnchoredHead } from '../read-anchor.ts';

/** A round of the chain that holds a dataset's head, with all that its root is made of. */
export interface FoundRound {
  readonly head: SignedHead;
  readonly signer: Address;
  readonly round: Pick<EvidenceRound, 'anchorer' | 'number' | 'previous' | 'history' | 'path'>;
  readonly txHash: string;
  readonly blockNumber: number;
}

/**
 * The first round of the anchorer whose head covers a block, by halving, as far as its service still shows older ones: a later
 * one only says less of the time. Heads in rounds grow.
 * @throws StateError when the service shows no round that covers it
 */
export async function findRound(
  { hasher, reader, service }: RoundSources,
  domain: DisscDomain,
  {
    dataset,
    fromBlock,
    newest,
    log,
  }: {
    readonly dataset: DatasetId;
    readonly fromBlock: number;
    readonly newest: BlockIndex;
    readonly log: AnchoredHead;
  },
  signal?: AbortSignal,
): Promise<FoundRound> {
  const { standing, anchor } = log;
  if (standing === null) throw new StateError(`No round covers blocks up to ${newest}.`);
  if (service === null) throw new StateError('No service was asked for its rounds.');
  const { anchorer } = standing;
  const events = await reader.findRounds(anchorer, fromBlock, anchor.point.blockNumber, signal);
  /** Null where the round does not cover the block, or is not shown any more. */
  const look = async ({ round: root, txHash, blockNumber }: RoundEvent): Promise<FoundRound | null> => {
    if (!doesRoundCount(log.charters, { anchorer, blockNumber })) return null;
    try {
      const shown = (await service.getAnchor(dataset, { round: root }, signal)).round;
      const held = shown === null ? null : verifyRoundHead(hasher, domain, root, dataset, shown);
      if (shown === null || held === null || held.head.size <= newest) return null;
      const { number, previous, history, path } = shown;
      return {
        head: held.head,
        signer: held.signer,
        round: { anchorer, number, previous, history, path },
        ...{ txHash, blockNumber },
      };
    } catch (cause) {
      signal?.throwIfAborted();
      if (!(cause instanceof PlumblineError) || cause.kind === 'unavailable') throw cause;
      return null;
    }
  };
  let found: FoundRound | null = null;
  let [low, high] = [0, events.length];
  while (low < high) {
    // The newest first: it is shown, and covers the block.
    const middle: number = found === null ? high - 1 : Math.floor((low + high) / 2);
    const held = await look(events[middle] as RoundEvent);
    if (held === null) low = middle + 1;
    else [found, high] = [held, middle];
  }
  if (found !== null) return found;
  throw new StateError(`The service of the anchorer ${anchorer} shows no round that covers blocks up to ${newest}.`);
}
