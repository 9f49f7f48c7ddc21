import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { nodeRuntime } from '../adapters/runtime/node-runtime.ts';
import type { AuditReport } from '../client/audit-blocks.ts';
import { acceptOffer } from '../client/consumer/accept-offer.ts';
import { auditPurchase } from '../client/consumer/audit-purchase.ts';
import type { DeliveryProgress } from '../client/consumer/deliver-purchase.ts';
import { type LookedAtOffer, lookAtOffer } from '../client/consumer/look-at-offer.ts';
import { readPurchaseLog } from '../client/consumer/open-purchase.ts';
import { readOffers } from '../client/consumer/read-offers.ts';
import { settlePurchase } from '../client/consumer/settle-purchase.ts';
import type { VerifiedBlock } from '../client/consumer/verified-block.ts';
import type { OddTerm } from '../core/agreement/odd-terms.ts';
import { ArgumentError, StateError } from '../core/errors.ts';
import { type Address, type AgreementId, type DatasetId, NATIVE_COIN } from '../core/ids.ts';
import type { Agreement } from '../core/ports/agreements.ts';
import type { CssYEvidence } from '../core/protocols/challenge-storage.ts';
import { openLedger } from './connection.ts';
import { type Fetched, fetchPurchase } from './fetch-purchase.ts';
import { newestPoint } from './open-contracts.ts';
import { openLooker } from './open-looker.ts';
import { openMemory } from './open-rounds.ts';
import type { SenderHome } from './open-sender.ts';
import {
  type OpenedConsumer,
  type OpenedPurchase,
  openConsumer,
  openConsumerPurchase,
  parseAgreementId,
} from './opened-consumer.ts';
import { type KeyOptions, openConnection, openKeys, senderHomeOf, type WhereOptions } from './program-parts.ts';
import { lockPurchase, openPurchaseFile } from './purchase-file.ts';
import { readDescribed } from './read-described.ts';
import { Verification } from './verification.ts';

/** Options for opening a consumer. A home is required: it keeps what you bought and paid. */
export type ConsumerOptions = WhereOptions & KeyOptions & { readonly home: string };

/** How to accept an offer. */
export interface AcceptOptions {
  /** Codes of what is odd about the offer and that you accept all the same; none when absent. */
  readonly despite?: readonly OddTerm['code'][];
  /** The token that you intend to pay in; offers in another are refused. When absent, any token but the native coin is odd. */
  readonly token?: Address;
  /** How long to wait for a final block; two minutes when absent. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/** How to audit a purchase. */
export interface PurchaseAuditOptions {
  /** III: the storage hashes (the default). IV: it gives the sampled blocks. */
  readonly protocol?: 'III' | 'IV';
  /** For III: `possession` when absent. */
  readonly evidence?: CssYEvidence;
  /** How many blocks; 460, or what the agreement leaves, when absent. */
  readonly sample?: number;
  /** The damaged fraction for which the report states the confidence; 0.01 when absent. */
  readonly fraction?: number;
  /** How long to wait for the owner; a minute when absent. */
  readonly patienceMs?: number;
  /** Receives each sampled block that the owner opens before you pay for it. */
  readonly onPreview?: (block: VerifiedBlock) => void;
  readonly signal?: AbortSignal;
}

/** How to fetch what you bought. */
export interface FetchOptions {
  /** Folder to write to; it overwrites nothing there. */
  readonly out: string;
  /** Most blocks to pay for before they are verified, which is your risk. When absent: 1 below 200 blocks, else 2 % of them. */
  readonly ahead?: number;
  /** How long to wait for the owner; a minute when absent. */
  readonly patienceMs?: number;
  readonly onProgress?: (progress: DeliveryProgress) => void;
  readonly signal?: AbortSignal;
}

const MAX_OFFERS = 1_000;
const DEFAULT_WAIT_MS = 120_000;
const DEFAULT_PATIENCE_MS = 60_000;
const DEFAULT_FRACTION = 0.01;

/**
 * A buyer of blocks. It trusts neither owner nor storage: it pays only for verified blocks, except for the few that it pays
 * for ahead.
 *
 * @example
 * const consumer = await Consumer.open({ stack, home: consumerHome, password });
 * for (const { id, terms } of await consumer.offers()) console.log(id, terms.count, terms.price);
 */
export class Consumer {
  /** The consumer's account. */
  readonly account: Address;
  readonly #consumer: OpenedConsumer;
  readonly #home: SenderHome;

  private constructor(consumer: OpenedConsumer, home: SenderHome) {
    this.account = consumer.account;
    this.#consumer = consumer;
    this.#home = home;
  }

  /**
   * Opens the keys, and reads where chain and service are. It sends neither of them a request yet.
   * @throws ArgumentError when options are missing or contradict each other; KeyError for a wrong password or mnemonic;
   * FileError when a file is missing, malformed or readable by others, or the connection names no OCASC
   *
   * @example
   * const consumer = await Consumer.open({ stack, home: consumerHome, password });
   * console.log(consumer.account);
   */
  static async open(options: ConsumerOptions): Promise<Consumer> {
    const home = senderHomeOf(options);
    const connection = await openConnection(options);
    return new Consumer(openConsumer(home, connection, await openKeys(options)), home);
  }

  /**
   * Offers that can be accepted now, newest first. It reads the newest 1,000 offers.
   * @throws LedgerUnavailableError when the chain cannot be read
   *
   * @example
   * const consumer = await Consumer.open({ stack, home: consumerHome, password });
   * console.log((await consumer.offers({ owner: operator })).length);
   */
  async offers(
    query: { readonly owner?: Address; readonly dataset?: DatasetId } = {},
    signal?: AbortSignal,
  ): Promise<readonly Agreement[]> {
    const { market, connection } = this.#consumer;
    const now = await newestPoint(connection, signal);
    const events = await market.findOffers(query, connection.fromBlock, now.blockNumber, signal);
    const read = await readOffers(market, events.slice(-MAX_OFFERS).reverse(), signal);
    return read.filter(({ isOpen }) => isOpen).map(({ agreement }) => agreement);
  }

  /**
   * What either side can lose by an offer, and what is odd about it. Sends nothing.
   * @param token the token that you mean to pay in; the native coin when absent
   * @throws ArgumentError when there is no such offer; LedgerUnavailableError when the chain cannot be read
   *
   * @example
   * const consumer = await Consumer.open({ stack, home: consumerHome, password });
   * const { consumer: mostToLose, odd } = await consumer.look(agreement);
   * console.log(mostToLose, odd.map(({ code }) => code));
   */
  async look(agreement: string, token: Address = NATIVE_COIN, signal?: AbortSignal): Promise<LookedAtOffer> {
    const { connection, market } = this.#consumer;
    const offer = await readOffer(market, parseAgreementId(agreement), signal);
    return lookAtOffer(openLooker(connection), offer, token, signal);
  }

  /**
   * Accepts an offer: its price goes into escrow. Returns when that is final. Repeating the call keeps waiting; it pays
   * nothing twice.
   * @throws ArgumentError when there is no such offer; StateError when something is odd about it that `despite` does not
   * name, when it cannot be accepted any more, or when OCASC refuses; LedgerUnavailableError when it is not final in
   * time
   *
   * @example
   * const consumer = await Consumer.open({ stack, home: consumerHome, password });
   * console.log((await consumer.accept(agreement, { despite: ['dataset-young'] })).state);
   */
  async accept(agreement: string, options: AcceptOptions = {}): Promise<Agreement> {
    const { despite = [], token = null, waitMs = DEFAULT_WAIT_MS, signal } = options;
    const id = parseAgreementId(agreement);
    const { connection, market, party, keysOf } = this.#consumer;
    const [keys, store] = [await keysOf(id), await openPurchaseFile(this.#home.home, id)];
    const parts = {
      ...{ market, party, looker: openLooker(connection), keys, store, runtime: nodeRuntime },
      readDescribed: (offer: Agreement) => readDescribed(connection, offer, signal),
    };
    let unsaid: readonly OddTerm[] = [];
    const agrees = ({ odd }: LookedAtOffer): boolean => {
      unsaid = odd.filter(({ code }) => !despite.includes(code));
      return unsaid.length === 0;
    };
    const accepted = await acceptOffer(parts, id, { token, agrees, waitMs }, signal);
    if (accepted !== null) return accepted;
    const codes = unsaid.map(({ code }) => code).join(', ');
    throw new StateError(`Offer ${id} is odd (${codes}). To accept it anyway, list these codes in despite.`);
  }

  /**
   * Protocols III and IV over a random sample of what is for sale, before paying for it. Await it for the report, or
   * iterate over it for each block's verdict. After an interruption, the next audit continues with the same blocks.
   * @throws ArgumentError when these keys did not accept the agreement; StateError when it leaves no sample
   *
   * @example
   * const consumer = await Consumer.open({ stack, home: consumerHome, password });
   * console.log((await consumer.audit(agreement, { protocol: 'IV', sample: 1 })).counts);
   */
  audit(agreement: string, options: PurchaseAuditOptions = {}): Verification {
    return new Verification(async (onVerdicts): Promise<AuditReport> => {
      const {
        protocol = 'III',
        evidence = 'possession',
        fraction = DEFAULT_FRACTION,
        sample,
        onPreview,
        signal,
      } = options;
      const opened = await this.#purchase(agreement, signal);
      const { purchase, store, service } = opened;
      const release = await lockPurchase(this.#home.home, purchase.id, store);
      try {
        const { connection } = this.#consumer;
        const memory = openMemory(this.#home.home, connection);
        const log = await readPurchaseLog(openLedger(connection), purchase, connection.fromBlock, memory, signal);
        const { channel } = opened.channel(options.patienceMs ?? DEFAULT_PATIENCE_MS);
        return await auditPurchase(
          {
            ...{ primitives: nodePrimitives, service, store, requestKeys: channel.requestKeys },
            ...(onPreview === undefined ? {} : { onPreview }),
          },
          { ...{ purchase, log, protocol, evidence, fraction }, ...(sample === undefined ? {} : { sample }) },
          onVerdicts,
          signal,
        );
      } finally {
        release();
      }
    });
  }

  /**
   * Fetches what you bought into a folder, verified and decrypted, and pays as blocks arrive. Payment stops at the first
   * block that does not verify. Repeating the call continues after the last verified block.
   * @throws ArgumentError when these keys did not accept the agreement; StateError when everything was written to another
   * folder before, or in the agreement's last window; FileError when the folder cannot be written to
   *
   * @example
   * const consumer = await Consumer.open({ stack, home: consumerHome, password });
   * const { delivered } = await consumer.fetch(agreement, { out });
   * console.log(delivered.verified, delivered.stopped);
   */
  async fetch(agreement: string, options: FetchOptions): Promise<Fetched> {
    const { out, ahead, patienceMs = DEFAULT_PATIENCE_MS, onProgress = () => {}, signal } = options;
    const opened = await this.#purchase(agreement, signal);
    return fetchPurchase(this.#home.home, opened, { out, ahead, patienceMs }, onProgress, signal);
  }

  /**
   * Approves the delivery: pays the owner in full now, and returns the bond. Repeating the call changes nothing.
   * @throws ArgumentError when these keys did not accept the agreement; StateError when OCASC refuses
   *
   * @example
   * const consumer = await Consumer.open({ stack, home: consumerHome, password });
   * console.log((await consumer.approve(agreement)).state);
   */
  async approve(agreement: string, signal?: AbortSignal): Promise<Agreement> {
    const { consumer, purchase, store } = await this.#purchase(agreement, signal);
    return settlePurchase({ ...consumer, store }, purchase, 'approve', signal);
  }

  #purchase(agreement: string, signal: AbortSignal | undefined): Promise<OpenedPurchase> {
    return openConsumerPurchase(this.#home.home, this.#consumer, parseAgreementId(agreement) as AgreementId, signal);
  }
}

async function readOffer(
  market: OpenedConsumer['market'],
  id: AgreementId,
  signal: AbortSignal | undefined,
): Promise<Agreement> {
  const { agreement } = await market.readAgreement(id, 'latest', signal);
  if (agreement === null) throw new ArgumentError(`There is no offer ${id} on this chain.`);
  return agreement;
}
