import { anchorerOf, datasetOfCharter, requireCharterSignature, type SignedCharter } from '../core/charter/charter.ts';
import { type CharterHistory, charterHistory, charterInForce } from '../core/charter/charters-in-force.ts';
import { PlumblineError, ProofError, RequestRefusedError, StoreUnavailableError } from '../core/errors.ts';
import type { DatasetId, RoundRoot } from '../core/ids.ts';
import type { Ledger } from '../core/ports/ledger.ts';
import type { DatasetAnchor, StorageService } from '../core/ports/service.ts';
import { requireTrueFront } from '../core/rounds/rebuild-rounds.ts';
import { verifyRoundHead } from '../core/rounds/round-head.ts';
import { GrowthCheck } from './growth/growth-check.ts';
import { countingRound } from './growth/held-head.ts';
import type { ReadRound, RoundQuestion, RoundSources } from './growth/round-standing.ts';

/**
 * Reads what the newest round of a dataset's anchorer at a chain point says of it, and verifies it: the round is the chain's, the
 * path leads to it, the head is signed by the charter's device, and it extends what DISSC has and what was seen earlier. What
 * cannot be shown is said and counts for nothing; where the newest round holds less than one that was seen here, that one
 * counts, and whose fault it is is said.
 * @throws ProofError when the service shows what does not lead to the chain's round
 * @throws LedgerUnavailableError
 */
export async function readRound(
  sources: RoundSources,
  ledger: Ledger,
  asked: RoundQuestion,
  signal?: AbortSignal,
): Promise<ReadRound> {
  const { recorded, point, anchor } = asked;
  const { dataset } = recorded;
  const { hasher, view, memory } = sources;
  const seen = memory?.readHeads(dataset) ?? null;
  const service = sources.recordedOnly === true ? null : askOnce(sources.service);
  const { charters, signed, silence } = await findCharters({ ...sources, service }, ledger, asked, signal);
  const check = new GrowthCheck({ ...sources, service, ledger, charters, signed, asked, seen });
  check.compareRecorded();
  if (sources.recordedOnly === true) return check.end(null, null, null, signal);

  const inForce = charterInForce(charters, point.blockNumber);
  const anchorer = inForce === null ? null : anchorerOf(inForce);
  if (anchorer === null) return check.end(null, null, silence, signal);
  const newest = await view.newest(anchorer, anchor, signal);
  if (newest.isForgotten) check.noteForgotten(anchorer);
  if (newest.round === null) {
    return check.end(null, null, `Its anchorer ${anchorer} has no round at the ${anchor} block.`, signal);
  }
  const { root } = newest.round;
  const shown = await askRound(service, dataset, seen?.round?.shown.head.size ?? recorded.size, root, signal);
  if (typeof shown === 'string') return check.end(null, null, shown, signal);
  if (shown?.round == null) {
    return check.end(null, null, `The service does not show the newest round of its anchorer ${anchorer}.`, signal);
  }
  check.noteNewest(shown, root);
  const { number } = shown.round;
  const verified = verifyRoundHead(hasher, ledger.domain, root, dataset, shown.round);
  try {
    requireTrueFront(newest.round, shown.round);
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    check.noteHistory(anchorer, error.shortMessage);
    return check.end(null, shown, `${error.shortMessage} That round is ignored.`, signal);
  }
  if (verified === null) {
    check.noteLeftOut(anchorer, number);
    return check.end(null, shown, `Round ${number} of its anchorer does not hold this dataset.`, signal);
  }
  const held = await countingRound({ view, charters, anchorer, root, shown: shown.round, verified }, signal);
  return typeof held === 'string' ? check.end(null, shown, held, signal) : check.end(held, shown, null, signal);
}

const SILENT = 'The service does not answer, so it is unknown whether a round holds more than what is recorded.';

type AnchorService = Pick<StorageService, 'getAnchor'>;

/** The same question is asked once. */
function askOnce(service: AnchorService | null): AnchorService | null {
  if (service === null) return null;
  const known = new Map<string, Promise<DatasetAnchor>>();
  return {
    getAnchor(dataset, query, signal) {
      const key = `${dataset} ${query?.since} ${query?.round?.join()}`;
      const answer = known.get(key) ?? service.getAnchor(dataset, query, signal);
      known.set(key, answer);
      return answer;
    },
  };
}

/** What the service shows of a round; a text says why it shows nothing; null: it knows nothing of the dataset. */
async function askRound(
  service: AnchorService | null,
  dataset: DatasetId,
  since: number,
  round: RoundRoot,
  signal?: AbortSignal,
): Promise<DatasetAnchor | string | null> {
  const shown = await ask(service, dataset, { since, round }, signal);
  // A service whose log is shorter refuses the growth, and may have the round all the same.
  return shown === null && since > 0 ? ask(service, dataset, { round }, signal) : shown;
}

/** Null: a service that was never shown the dataset has nothing to say of it. */
async function ask(
  service: AnchorService | null,
  dataset: DatasetId,
  query: { since?: number; round?: RoundRoot },
  signal?: AbortSignal,
): Promise<DatasetAnchor | string | null> {
  if (service === null) return 'No service was asked for its rounds.';
  try {
    return await service.getAnchor(dataset, query, signal);
  } catch (error) {
    if (error instanceof RequestRefusedError) return null;
    if (error instanceof StoreUnavailableError) return SILENT;
    throw error;
  }
}

interface FoundCharters {
  readonly charters: CharterHistory;
  /** Those under their owner's signature. */
  readonly signed: readonly SignedCharter[];
  /** Why none could be found, where that is so. */
  readonly silence: string | null;
}

/** The chain's newest charter needs nobody's word; before there is one, the first counts, which owner and service keep. */
async function findCharters(
  { service, chartersOf }: Pick<RoundSources, 'service' | 'chartersOf'>,
  ledger: Ledger,
  { recorded, point, charters: onChain }: RoundQuestion,
  signal?: AbortSignal,
): Promise<FoundCharters> {
  const { dataset } = recorded;
  const kept = chartersOf(dataset).filter((charter) => isBelieved(ledger, dataset, charter));
  if (charterInForce(onChain, point.blockNumber) !== null || kept.length > 0) {
    return { charters: charterHistory(kept, onChain.chartered), signed: kept, silence: null };
  }
  const shown = await ask(service, dataset, {}, signal);
  if (typeof shown === 'string') return { charters: onChain, signed: [], silence: shown };
  const signed = shown !== null && isBelieved(ledger, dataset, shown.charter) ? [shown.charter] : [];
  return { charters: charterHistory(signed, onChain.chartered), signed, silence: null };
}

/** Off the chain a charter is its owner's word: signed, and of this very dataset. */
function isBelieved(ledger: Ledger, dataset: DatasetId, charter: SignedCharter): boolean {
  if (charter.signature === null || datasetOfCharter(ledger.domain, charter) !== dataset) return false;
  try {
    requireCharterSignature(ledger.domain, charter);
    return true;
  } catch (error) {
    if (error instanceof PlumblineError) return false;
    throw error;
  }
}
