import { anchorerOf, datasetOfCharter, requireCharterSignature, type SignedCharter } from '../core/charter/charter.ts';
import {
  type CharterHistory,
  charterHistory,
  charterInForce,
  deviceSerial,
  doesRoundCount,
} from '../core/charter/charters-in-force.ts';
import { PlumblineError, ProofError, RequestRefusedError, StoreUnavailableError } from '../core/errors.ts';
import type { Address, DatasetId, RoundRoot } from '../core/ids.ts';
import { requireBoundedGrowth } from '../core/log/growth.ts';
import type { Head } from '../core/log/head.ts';
import type { Anchor, ChainPoint, Ledger, RecordedEvent } from '../core/ports/ledger.ts';
import type { Primitives } from '../core/ports/primitives.ts';
import type { RoundReader } from '../core/ports/rounds.ts';
import type { DatasetAnchor, StorageService } from '../core/ports/service.ts';
import { type RoundHead, verifyRoundHead } from '../core/rounds/round-head.ts';

/** Where rounds are read: on the chain, and what leads to them from the service that keeps them. */
export interface RoundSources {
  readonly hasher: Pick<Primitives, 'sha256'>;
  readonly reader: RoundReader;
  readonly service: Pick<StorageService, 'getAnchor'>;
}

/** What the newest round of a dataset's anchorer says of it. */
export interface RoundStanding {
  readonly anchorer: Address;
  readonly round: { readonly number: number; readonly timeSeconds: number; readonly blockNumber: number };
  /** Blocks of its head there. */
  readonly size: number;
}

export interface ReadRound {
  readonly charters: CharterHistory;
  /** Null where no round counts for the dataset; `said` is why, where one ought to. */
  readonly standing: RoundStanding | null;
  readonly said: string | null;
  /** The head there where it goes further than what is recorded, as if DISSC had logged it: it grows from the recorded one. */
  readonly event: RecordedEvent | null;
}

/**
 * Reads what the newest round of a dataset's anchorer at a chain point says of it, and verifies it: the round is the chain's, the
 * path leads to it, the head is signed by the charter's device and extends what DISSC has. What cannot be shown is said and
 * counts for nothing; what is shown and is wrong throws.
 * @throws ProofError when the service shows what does not lead to the chain's round, or a head that contradicts the recorded one
 * @throws LedgerUnavailableError
 */
export async function readRound(
  { hasher, reader, service }: RoundSources,
  ledger: Ledger,
  {
    recorded,
    point,
    anchor,
    charters: onChain,
  }: {
    readonly recorded: Head;
    readonly point: ChainPoint;
    readonly anchor: Anchor;
    readonly charters: CharterHistory;
  },
  signal?: AbortSignal,
): Promise<ReadRound> {
  const { dataset } = recorded;
  const without = (charters: CharterHistory, said: string | null): ReadRound => ({
    charters,
    standing: null,
    said,
    event: null,
  });
  // The chain's newest charter needs nobody's word; before there is one, the first counts, which the service keeps.
  const isOnChain = charterInForce(onChain, point.blockNumber) !== null;
  const first = isOnChain ? null : await ask(service, dataset, {}, signal);
  if (first === 'silent') return without(onChain, SILENT);
  const charters =
    first === null ? onChain : charterHistory(believed(ledger, dataset, first.charter), onChain.chartered);
  const inForce = charterInForce(charters, point.blockNumber);
  const anchorer = inForce === null ? null : anchorerOf(inForce);
  if (anchorer === null) return without(charters, null);
  const { round: root } = await reader.readRound(anchorer, anchor, signal);
  if (root === null) return without(charters, `Its anchorer ${anchorer} has no round at the ${anchor} block.`);

  const shown = await ask(service, dataset, { since: recorded.size, round: root }, signal);
  if (shown === 'silent') return without(charters, SILENT);
  if (shown?.round == null) {
    return without(charters, `The service does not show the newest round of its anchorer ${anchorer}.`);
  }
  const held = verifyRoundHead(hasher, ledger.domain, root, dataset, shown.round);
  if (held === null)
    return without(charters, `Round ${shown.round.number} of its anchorer does not hold this dataset.`);
  requireDevice(charters, held);
  const blockNumber = await reader.findBlock({ anchorer, root, txHash: held.round.txHash }, signal);
  if (blockNumber === null)
    return without(charters, 'The chain does not have the transaction shown for its newest round.');
  if (!doesRoundCount(charters, { anchorer, blockNumber })) {
    return without(charters, `Round ${held.round.number} is older than the charter that names its anchorer.`);
  }
  const { number, timeSeconds } = held.round;
  const standing = { anchorer, round: { number, timeSeconds, blockNumber }, size: held.head.size };
  return { charters, standing, said: null, event: eventOf(hasher, recorded, shown, held, blockNumber) };
}

const SILENT = 'The service does not answer: whether a round holds more than is recorded cannot be told.';

/** Null: a service that was never shown the dataset has nothing to say of it. */
async function ask(
  service: Pick<StorageService, 'getAnchor'>,
  dataset: DatasetId,
  query: { since?: number; round?: RoundRoot },
  signal?: AbortSignal,
): Promise<DatasetAnchor | 'silent' | null> {
  try {
    return await service.getAnchor(dataset, query, signal);
  } catch (error) {
    if (error instanceof RequestRefusedError) return null;
    if (error instanceof StoreUnavailableError) return 'silent';
    throw error;
  }
}

/** Off the chain a charter is its owner's word: signed, and of this very dataset. */
function believed(ledger: Ledger, dataset: DatasetId, charter: SignedCharter): SignedCharter[] {
  if (datasetOfCharter(ledger.domain, charter) !== dataset || charter.signature === null) return [];
  try {
    requireCharterSignature(ledger.domain, charter);
    return [charter];
  } catch (error) {
    if (error instanceof PlumblineError) return [];
    throw error;
  }
}

function requireDevice(charters: CharterHistory, { head, signer, round }: RoundHead): void {
  if (deviceSerial(charters, signer) === head.serial) return;
  throw new ProofError(
    `Round ${round.number} holds a head of ${head.size} blocks that ${signer} has signed, which no charter of serial ${head.serial} names.`,
  );
}

/** Null where DISSC's head goes as far. @throws ProofError unless the head in the round extends the recorded one */
function eventOf(
  hasher: Pick<Primitives, 'sha256'>,
  recorded: Head,
  { growth }: DatasetAnchor,
  { head, signer, round }: RoundHead,
  blockNumber: number,
): RecordedEvent | null {
  if (head.size <= recorded.size) return null;
  const step = growth.find(({ from, to }) => from === recorded.size && to === head.size);
  if (step === undefined) {
    throw new ProofError(`The service does not show how the log grew from ${recorded.size} to ${head.size} blocks.`);
  }
  requireBoundedGrowth(hasher, recorded, head, step);
  const { dataset, size, root } = head;
  return { dataset, size, root, appended: step.appended, signer, blockNumber, logIndex: 0, txHash: round.txHash };
}
