import { deriveEncryptionKeys } from '../../core/agreement/seal-message.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { equalBytes } from '../../core/bytes.ts';
import type { DatasetName } from '../../core/charter/dataset-name.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { NotRecordedError, StateError } from '../../core/errors.ts';
import type { Address, AgreementId, BlockIndex } from '../../core/ids.ts';
import { deriveOfferSeed } from '../../core/keys.ts';
import type { Head } from '../../core/log/head.ts';
import type { AgreementMarket, AgreementParty } from '../../core/ports/agreements.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { type CollectParts, collectBatch } from './collect-batch.ts';
import { requireDeliverable } from './pack-keys.ts';

export interface OfferParts {
  readonly primitives: Primitives;
  readonly ledger: Pick<Ledger, 'readHeads'>;
  readonly market: AgreementMarket;
  /** OCASC as the owner. */
  readonly party: AgreementParty;
  readonly agent: Address;
  readonly offersSecret: Uint8Array;
  readonly fromBlock: number;
}

export interface MadeOffer {
  readonly id: AgreementId;
  readonly nonce: bigint;
  /** Null if the same offer was already open. */
  readonly txHash: string | null;
}

/**
 * Offers blocks for sale. If an offer with the same terms (apart from its last moment to accept) is already open, it makes no
 * second one unless `again`, because the first call's answer may have been lost.
 * @throws NotRecordedError when the range is not recorded; ArgumentError when it cannot be delivered;
 * StateError when another offer came between, or OCASC refuses
 *
 * @example
 * import { encodeDatasetName } from 'plumbline/core/charter/dataset-name';
 * import { ENCRYPTED } from 'plumbline/core/charter/kind';
 * const parts = { primitives, ledger, market, party: ownerParty, agent, offersSecret, fromBlock };
 * const weather = { name: encodeDatasetName('weather'), kind: ENCRYPTED };
 * const { id } = await offerBlocks(parts, weather, purchase.terms, { again: false });
 * console.log((await market.readAgreement(id, 'latest')).agreement?.state); // offered
 */
export async function offerBlocks(
  parts: OfferParts,
  dataset: { readonly name: DatasetName; readonly kind: DatasetKind },
  terms: Terms,
  options: { readonly again: boolean },
  signal?: AbortSignal,
): Promise<MadeOffer> {
  const { blockNumber: newest } = await requireOfferable(parts, terms, signal);
  const { market, party } = parts;
  const { account } = party;
  const standing = options.again ? null : await findStanding(parts, terms, newest, signal);
  if (standing !== null) return { ...standing, txHash: null };
  const nonce = await market.readOfferCount(account, 'latest', signal);
  const keys = await deriveEncryptionKeys(deriveOfferSeed(parts.primitives, parts.offersSecret, nonce));
  const { id, transaction } = await party.offer(dataset, terms, parts.agent, keys.publicKey, signal);
  const { blockNumber, txHash } = transaction;
  const made = (await market.findOffers({ owner: account }, blockNumber, blockNumber, signal)).find((o) => o.id === id);
  if (made === undefined || made.nonce !== nonce || !equalBytes(made.encryptionKey, keys.publicKey)) {
    throw new StateError(
      `Offer ${id} was mined as number ${made?.nonce ?? '?'}, not ${nonce}, because another offer came between. Its messages ` +
        `could not be opened. Cancel it: plumb owner cancel ${id}`,
    );
  }
  return { id, nonce, txHash };
}

/**
 * Checks, batch by batch, whether the storage holds everything that an agreement's answers and keys need. Keeps nothing.
 * @throws ProofError when it does not lead to the recorded log
 *
 * @example
 * const parts = { primitives, ledger, service, datasetKeyOf, fetchManifest };
 * for await (const done of checkServable(parts, purchase.terms, new AbortController().signal)) console.log(done); // 4
 */
export async function* checkServable(
  parts: Omit<CollectParts, 'findArchive' | 'mayFetch' | 'range'> & Pick<OfferParts, 'ledger'>,
  range: Pick<Terms, 'dataset' | 'first' | 'count'>,
  signal: AbortSignal,
): AsyncGenerator<BlockIndex> {
  const { head } = await readRecorded(parts, range, signal);
  const end = range.first + range.count;
  for (let block = range.first; block < end; ) {
    // The owner may see all of every batch, also what is not for sale.
    const collect = { ...parts, range, mayFetch: () => true, findArchive: () => null };
    const { archive } = await collectBatch(collect, head, block, signal);
    block = archive.first + archive.blocks.length;
    yield block - range.first;
  }
}

/**
 * Whether these blocks can be offered: all are recorded, and one mailbox takes the keys of all.
 * @throws NotRecordedError when the range is not recorded; ArgumentError when it cannot be delivered
 *
 * @example
 * const { blockNumber } = await requireOfferable({ ledger }, purchase.terms);
 * console.log(blockNumber > 0); // true
 */
export async function requireOfferable(
  parts: Pick<OfferParts, 'ledger'>,
  terms: Terms,
  signal?: AbortSignal,
): Promise<{ blockNumber: number }> {
  const { head, blockNumber } = await readRecorded(parts, terms, signal);
  requireDeliverable(terms, head.size);
  return { blockNumber };
}

async function readRecorded(
  { ledger }: Pick<OfferParts, 'ledger'>,
  { dataset, first, count }: Pick<Terms, 'dataset' | 'first' | 'count'>,
  signal?: AbortSignal,
): Promise<{ head: Head; blockNumber: number }> {
  const { heads, point } = await ledger.readHeads([dataset], 'latest', signal);
  const head = heads[0] as Head;
  if (first + count <= head.size) return { head, blockNumber: point.blockNumber };
  throw new NotRecordedError(
    `Blocks ${first} to ${first + count - 1} are not all recorded; ${dataset} has ${head.size}. Wait for the device, or offer fewer.`,
  );
}

/** An offer that nobody has accepted yet, with the same terms, this agent and the key that its number asks for. */
async function findStanding(
  parts: OfferParts,
  terms: Terms,
  newest: number,
  signal?: AbortSignal,
): Promise<Pick<MadeOffer, 'id' | 'nonce'> | null> {
  const { market, party, fromBlock, agent } = parts;
  const { dataset } = terms;
  const offers = await market.findOffers({ owner: party.account, dataset }, fromBlock, newest, signal);
  const wanted = comparable(terms);
  for (const offer of offers.reverse()) {
    if (offer.agent !== agent || comparable(offer.terms) !== wanted) continue;
    const { agreement, point } = await market.readAgreement(offer.id, 'latest', signal);
    if (agreement?.state !== 'offered' || BigInt(point.timestampMs) > 1000n * offer.terms.acceptBySeconds) continue;
    return { id: offer.id, nonce: offer.nonce };
  }
  return null;
}

function comparable({ acceptBySeconds: _, ...terms }: Terms): string {
  return JSON.stringify(
    Object.entries(terms)
      .map(([name, value]) => [name, String(value)])
      .sort(),
  );
}
