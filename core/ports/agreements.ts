import type { EncryptionPublicKey } from '../agreement/seal-message.ts';
import type { AgreementDomain, Terms } from '../agreement/terms.ts';
import type {
  Address,
  AgreementId,
  BlockIndex,
  BlockKey,
  ContentCommitment,
  DatasetId,
  LogRoot,
  MetaHash,
  Salt,
  SealedHash,
  Sha256,
} from '../ids.ts';
import type { Anchor, ChainPoint } from './ledger.ts';
import type { MinedTransaction } from './mined-transaction.ts';

export type AgreementState = 'offered' | 'cancelled' | 'active' | 'challenged' | 'breached' | 'closed';

/** Who bought, from acceptance on. */
export interface Buyer {
  readonly consumer: Address;
  /** Signs vouchers, messages and requests for the consumer. */
  readonly signer: Address;
  readonly encryptionKey: EncryptionPublicKey;
  /** Seconds since 1970: nothing is delivered or challenged from then on. */
  readonly endSeconds: number;
}

/** The challenge that waits for its answer. */
export interface OpenChallenge {
  readonly block: BlockIndex;
  readonly seed: number;
  readonly stakeWei: bigint;
  /** The last second to answer. */
  readonly deadlineSeconds: number;
}

/** An agreement as OCASC has it (design §5). */
export interface Agreement {
  readonly id: AgreementId;
  readonly terms: Terms;
  /** Of the dataset's log when the offer was made. */
  readonly root: LogRoot;
  readonly batches: number;
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
  readonly challenge: OpenChallenge | null;
}

/** An offer, as OCASC logged it. */
export interface OfferedEvent {
  readonly id: AgreementId;
  readonly owner: Address;
  /** Counts the owner's offers. */
  readonly nonce: bigint;
  readonly terms: Terms;
  readonly root: LogRoot;
  readonly batches: number;
  readonly agent: Address;
  readonly encryptionKey: EncryptionPublicKey;
  readonly txHash: string;
  readonly blockNumber: number;
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
  /** Offers made in blocks `fromBlock` … `toBlock`, oldest first; of one owner or dataset where they are named. */
  findOffers(
    query: { readonly owner?: Address; readonly dataset?: DatasetId },
    fromBlock: number,
    toBlock: number,
    signal?: AbortSignal,
  ): Promise<OfferedEvent[]>;
  /** How many offers an owner has made: the nonce of the next one. */
  readOfferCount(owner: Address, anchor: Anchor, signal?: AbortSignal): Promise<bigint>;
  /** What a challenge would have to bring now, in wei. */
  readChallengeStakeWei(id: AgreementId, signal?: AbortSignal): Promise<bigint>;
  /** What OCASC owes an account, in units of the token (0 for the native coin). */
  readCredit(token: Address, account: Address, anchor: Anchor, signal?: AbortSignal): Promise<bigint>;
}

/** What answers a challenge (`OCASC.respond`): one chunk, and all that leads from it to the log that was offered. */
export interface ChallengeAnswer {
  /** Chunk `seed mod n` of the block, with its path in the block's chunk tree. */
  readonly chunk: Uint8Array;
  readonly chunkPath: readonly Uint8Array[];
  readonly sizeBytes: number;
  readonly sha256: Sha256;
  readonly metaHash: MetaHash;
  readonly blockKey: BlockKey;
  /** From the block's record to the tree of its batch. */
  readonly recordPath: readonly Uint8Array[];
  readonly first: BlockIndex;
  readonly count: number;
  readonly salt: Salt;
  readonly contentCommitment: ContentCommitment;
  readonly sealedHash: SealedHash;
  /** The batch's position in the log. */
  readonly position: number;
  readonly logPath: readonly Uint8Array[];
}

/**
 * What one account does on OCASC. Each call waits until its transaction is mined.
 * @throws StateError or ArgumentError when OCASC refuses, with its reason
 * @throws NotRecordedError when the transaction was not mined in time
 */
export interface AgreementParty {
  readonly account: Address;
  /** As the dataset's owner; brings the bond, and approves it first where it is a token. */
  offer(
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
  respond(id: AgreementId, answer: ChallengeAnswer, signal?: AbortSignal): Promise<MinedTransaction>;
  breach(id: AgreementId, signal?: AbortSignal): Promise<MinedTransaction>;
  approve(id: AgreementId, signal?: AbortSignal): Promise<MinedTransaction>;
  quit(id: AgreementId, signal?: AbortSignal): Promise<MinedTransaction>;
  close(id: AgreementId, signal?: AbortSignal): Promise<MinedTransaction>;
  /** Takes out all that OCASC owes this account in a token. */
  withdraw(token: Address, to: Address, signal?: AbortSignal): Promise<MinedTransaction>;
}
