import type { ChunkAnswer } from '../agreement/own-batch.ts';
import type { EncryptionPublicKey } from '../agreement/seal-message.ts';
import type { AgreementDomain, Terms } from '../agreement/terms.ts';
import type { DatasetName } from '../charter/dataset-name.ts';
import type { DatasetKind } from '../charter/kind.ts';
import type { Address, AgreementId, BlockIndex, ContentKey, DatasetId, LogRoot } from '../ids.ts';
import type { BlockRecord } from '../log/record.ts';
import type { Anchor, ChainPoint } from './ledger.ts';
import type { MinedTransaction } from './mined-transaction.ts';

export type AgreementState = 'offered' | 'cancelled' | 'active' | 'challenged' | 'lapsed' | 'breached' | 'closed';

/** Who bought, from acceptance on. */
export interface Buyer {
  readonly consumer: Address;
  /** Signs vouchers, messages and requests for the consumer. */
  readonly signer: Address;
  readonly encryptionKey: EncryptionPublicKey;
  /** Seconds since 1970: nothing is delivered or challenged from then on. */
  readonly endSeconds: number;
}

/** The question that waits for its answer, while an agreement is challenged or lapsed. */
export interface OpenQuestion {
  /** A chunk of a block, or the content key of a paid one. */
  readonly asks: 'chunk' | 'key';
  readonly block: BlockIndex;
  /** Names the chunk; 0 where a key is asked for. */
  readonly seed: number;
  readonly stakeWei: bigint;
  /** The last second at which it cannot lapse. */
  readonly deadlineSeconds: number;
  /** The last second to answer what has lapsed; null while it has not. */
  readonly graceEndSeconds: number | null;
}

/** An agreement as OCASC has it (specification#ocasc). */
export interface Agreement {
  readonly id: AgreementId;
  readonly terms: Terms;
  /** Of the dataset's log when the offer was made. */
  readonly root: LogRoot;
  /** Blocks of the log then. */
  readonly size: number;
  readonly kind: DatasetKind;
  readonly state: AgreementState;
  readonly owner: Address;
  /** Signs messages for the owner. */
  readonly agent: Address;
  readonly ownerEncryptionKey: EncryptionPublicKey;
  /** Null until the offer is accepted. */
  readonly buyer: Buyer | null;
  /** What the owner has earned so far by the chain. */
  readonly due: bigint;
  readonly challenges: number;
  /** Keys demanded so far. */
  readonly demands: number;
  readonly question: OpenQuestion | null;
}

/** An offer, as OCASC logged it. */
export interface OfferedEvent {
  readonly id: AgreementId;
  readonly owner: Address;
  /** Counts the owner's offers. */
  readonly nonce: bigint;
  readonly terms: Terms;
  readonly root: LogRoot;
  readonly size: number;
  readonly kind: DatasetKind;
  readonly agent: Address;
  readonly encryptionKey: EncryptionPublicKey;
  readonly txHash: string;
  readonly blockNumber: number;
}

/** What OCASC and the chain make of a question and its answer now. */
export interface QuestionCosts {
  /** What showing a chunk is taken to cost, in gas; and what showing a key is. */
  readonly answerGas: bigint;
  readonly demandGas: bigint;
  /** Null on a chain without base fee: OCASC takes it for zero there, so that only the terms' own stake is asked for. */
  readonly baseFeeWei: bigint | null;
  /** What who sends a transaction now pays for a unit of gas, tip included. */
  readonly gasPriceWei: bigint;
}

/** OCASC, read. Throws LedgerUnavailableError when the chain cannot be read within its time. */
export interface Agreements {
  readonly domain: AgreementDomain;
  /** The agreement at the anchor; null when there is none by this id. */
  readAgreement(
    id: AgreementId,
    anchor: Anchor,
    signal?: AbortSignal,
  ): Promise<{ point: ChainPoint; agreement: Agreement | null }>;
}

/** OCASC, read by those who deal in it; throws like Agreements. */
export interface AgreementMarket extends Agreements {
  /** Agreements in the order asked for, all at one block; null where there is none by that id. */
  readAgreements(
    ids: readonly AgreementId[],
    anchor: Anchor,
    signal?: AbortSignal,
  ): Promise<{ point: ChainPoint; agreements: (Agreement | null)[] }>;
  /** Offers made in blocks `fromBlock` … `toBlock`, oldest first; of one owner or dataset where they are named. */
  findOffers(
    query: { readonly owner?: Address; readonly dataset?: DatasetId },
    fromBlock: number,
    toBlock: number,
    signal?: AbortSignal,
  ): Promise<OfferedEvent[]>;
  /** Content keys shown for an agreement, by block, in chain blocks `fromBlock` … the newest. */
  findShownKeys(id: AgreementId, fromBlock: number, signal?: AbortSignal): Promise<ReadonlyMap<BlockIndex, ContentKey>>;
  /** How many offers an owner has made: the nonce of the next one. */
  readOfferCount(owner: Address, anchor: Anchor, signal?: AbortSignal): Promise<bigint>;
  /** What questions and answers cost now. */
  readQuestionCosts(signal?: AbortSignal): Promise<QuestionCosts>;
  /** What a challenge would have to bring now, in wei. */
  readChallengeStakeWei(id: AgreementId, signal?: AbortSignal): Promise<bigint>;
  /** What a demand would have to bring now, in wei. */
  readDemandStakeWei(signal?: AbortSignal): Promise<bigint>;
  /** What OCASC owes an account, in units of the token (0 for the native coin). */
  readCredit(token: Address, account: Address, anchor: Anchor, signal?: AbortSignal): Promise<bigint>;
}

/** What answers a question (`OCASC.respond`): what is asked for, and all that leads from it to the log that was offered. */
export type QuestionAnswer = {
  /** Of the block's record, from its own position up to the root of the log. */
  readonly path: readonly Uint8Array[];
} & (
  | { readonly asks: 'chunk'; readonly answer: ChunkAnswer }
  | { readonly asks: 'key'; readonly answer: { readonly record: BlockRecord; readonly contentKey: ContentKey } }
);

/**
 * What one account does on OCASC. Each call waits until its transaction is mined.
 * @throws StateError or ArgumentError when OCASC refuses, with its reason
 * @throws NotRecordedError when the transaction was not mined in time
 */
export interface AgreementParty {
  readonly account: Address;
  /** As the dataset's owner; brings the bond, and approves it first where it is a token. */
  offer(
    dataset: { readonly name: DatasetName; readonly kind: DatasetKind },
    terms: Terms,
    agent: Address,
    encryptionKey: EncryptionPublicKey,
    signal?: AbortSignal,
  ): Promise<{ id: AgreementId; transaction: MinedTransaction }>;
  cancel(id: AgreementId, signal?: AbortSignal): Promise<MinedTransaction>;
  /** As a consumer; brings the price, and approves it first where it is a token. */
  accept(
    offer: { readonly id: AgreementId; readonly token: Address; readonly price: bigint },
    signer: Address,
    encryptionKey: EncryptionPublicKey,
    signal?: AbortSignal,
  ): Promise<MinedTransaction>;
  claim(id: AgreementId, due: bigint, signature: Uint8Array, signal?: AbortSignal): Promise<MinedTransaction>;
  /** With `valueWei`, at least the stake; what is too much becomes the consumer's credit. */
  challenge(
    id: AgreementId,
    challenge: { readonly block: BlockIndex; readonly seed: number; readonly valueWei: bigint },
    signal?: AbortSignal,
  ): Promise<MinedTransaction>;
  /** Demands the content key of a paid block. With `valueWei`, at least the stake; the rest becomes the consumer's credit. */
  demandKey(
    id: AgreementId,
    demand: { readonly block: BlockIndex; readonly valueWei: bigint },
    signal?: AbortSignal,
  ): Promise<MinedTransaction>;
  respond(id: AgreementId, answer: QuestionAnswer, signal?: AbortSignal): Promise<MinedTransaction>;
  /** States that a question was not answered by its deadline; starts the grace. */
  lapse(id: AgreementId, signal?: AbortSignal): Promise<MinedTransaction>;
  breach(id: AgreementId, signal?: AbortSignal): Promise<MinedTransaction>;
  approve(id: AgreementId, signal?: AbortSignal): Promise<MinedTransaction>;
  quit(id: AgreementId, signal?: AbortSignal): Promise<MinedTransaction>;
  close(id: AgreementId, signal?: AbortSignal): Promise<MinedTransaction>;
  /** Takes out all that OCASC owes this account in a token. */
  withdraw(token: Address, to: Address, signal?: AbortSignal): Promise<MinedTransaction>;
}
