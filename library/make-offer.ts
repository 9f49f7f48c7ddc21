import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { type LookedAtOffer, lookAtOffer } from '../client/consumer/look-at-offer.ts';
import { type checkServable, type MadeOffer, offerBlocks, requireOfferable } from '../client/sale/offer-blocks.ts';
import { leastStakeWei } from '../core/agreement/most-to-lose.ts';
import { deriveEncryptionKeys } from '../core/agreement/seal-message.ts';
import type { Terms } from '../core/agreement/terms.ts';
import { encodeDatasetName } from '../core/charter/dataset-name.ts';
import { ArgumentError } from '../core/errors.ts';
import type { Address } from '../core/ids.ts';
import { deriveAgentSecrets, deriveOfferSeed } from '../core/keys.ts';
import type { AgreementMarket } from '../core/ports/agreements.ts';
import type { Ledger } from '../core/ports/ledger.ts';
import { accountOfKey } from '../core/typed-data.ts';
import { type Connection, openLedger, type openService } from './connection.ts';
import type { DatasetEntry } from './dataset-list.ts';
import { fetchManifest } from './fetch-manifest.ts';
import { type OfferTerms, termsOf } from './offer-terms.ts';
import { openMarket, openParty } from './open-contracts.ts';
import { openLooker } from './open-looker.ts';
import type { SenderHome } from './open-sender.ts';
import { datasetKeyOf, type OpenedOwner } from './opened-owner.ts';

/** Who offers what, and who is asked about it. */
export interface OfferMaker {
  readonly connection: Connection;
  readonly opened: OpenedOwner;
  readonly service: Awaited<ReturnType<typeof openService>>;
  readonly entry: Pick<DatasetEntry, 'dataset' | 'kind' | 'name'>;
  /** How the reader of an error has named a term: `price`, or `--price`. */
  readonly named: (term: keyof OfferTerms) => string;
}

/** An offer on its way, in the order in which it is made. */
export interface OfferInMaking {
  readonly terms: Terms;
  readonly agent: Address;
  readonly market: AgreementMarket;
  readonly ledger: Ledger;
  /**
   * What either side can lose by it, and what a consumer will find odd.
   * @throws ArgumentError where answers would not pay for themselves
   */
  look(signal?: AbortSignal): Promise<LookedAtOffer>;
  /**
   * Whether DISSC has all the blocks, and one mailbox takes their keys.
   * @throws as `requireOfferable`
   */
  requireOfferable(signal?: AbortSignal): Promise<void>;
  /** With what `checkServable` looks whether the storage has all that answers are made of. */
  readonly checking: Parameters<typeof checkServable>[0];
  /** @throws as `offerBlocks` */
  make(home: SenderHome, options: { readonly again: boolean }, signal?: AbortSignal): Promise<MadeOffer>;
}

/**
 * An offer of recorded blocks, for programs and for the command alike. Nothing is sent before `make`.
 * @throws ArgumentError for terms that OCASC, or a consumer who looks, would refuse; FileError where the connection names no OCASC
 */
export function openOffer(
  { connection, opened, service, entry, named }: OfferMaker,
  wanted: OfferTerms,
): OfferInMaking {
  const primitives = nodePrimitives;
  const terms = termsOf(entry, wanted, named);
  const [market, ledger] = [openMarket(connection), openLedger(connection)];
  const { agentKey, offersSecret } = deriveAgentSecrets(primitives, opened.seed);
  const agent = accountOfKey(agentKey);
  return {
    ...{ terms, agent, market, ledger },
    checking: { primitives, ledger, service, datasetKeyOf: datasetKeyOf(opened, terms.dataset), fetchManifest },
    async look(signal) {
      const { publicKey } = await deriveEncryptionKeys(deriveOfferSeed(primitives, offersSecret, 0n));
      const asOffered = { terms, kind: entry.kind, agent, ownerEncryptionKey: publicKey };
      const looked = await lookAtOffer(openLooker(connection), asOffered, terms.token, signal);
      requireStake(terms, looked, named);
      return looked;
    },
    async requireOfferable(signal) {
      await requireOfferable({ ledger }, terms, signal);
    },
    make(home, options, signal) {
      const party = openParty(home, connection, opened);
      const parts = { primitives, ledger, agent, offersSecret, fromBlock: connection.fromBlock, market, party };
      return offerBlocks(parts, { name: encodeDatasetName(entry.name), kind: entry.kind }, terms, options, signal);
    },
  };
}

/** OCASC knows no gas price where there is no base fee. */
function requireStake({ stakeWei }: Terms, { costs }: LookedAtOffer, named: OfferMaker['named']): void {
  const leastWei = leastStakeWei(costs);
  if (leastWei === null || stakeWei >= leastWei) return;
  throw new ArgumentError(
    `${named('stake')} is ${stakeWei} wei. This chain has no base fee, so only the stake repays an answer, whose gas now costs ${leastWei / 2n} wei. Give at least ${leastWei}wei.`,
  );
}
