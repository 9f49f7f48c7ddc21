import type { Brand } from '../brand.ts';
import type { DatasetName } from '../charter/dataset-name.ts';
import type { DatasetKind } from '../charter/kind.ts';
import type { Address, DatasetId } from '../ids.ts';
import type { Anchor, ChainPoint } from './ledger.ts';
import type { MinedTransaction } from './mined-transaction.ts';

/** 32 bytes, lower-case hex with 0x: a grant of ASC, by its terms. */
export type GrantId = Brand<`0x${string}`, 'GrantId'>;

/** What an owner lets a CSS do with a dataset; it never changes (specification#asc). */
export interface GrantTerms {
  readonly dataset: DatasetId;
  /** The account of the CSS. */
  readonly css: Address;
  /** What the CSS earns for a record, however many blocks have come. */
  readonly perRecordWei: bigint;
  /** The first block that consumers may see, and how many of them, recorded already or not. */
  readonly first: number;
  readonly count: number;
  /** Protocol III: hashes and proofs of chunks. */
  readonly digests: boolean;
  /** Protocol IV: the blocks themselves. */
  readonly blocks: boolean;
  /** How many distinct blocks an agreement's consumer may see. */
  readonly maxBlocks: number;
  /** How long the CSS may go on recording after a revocation. */
  readonly windowSeconds: number;
  /** Seconds in which one record is paid for; 0 when each is. */
  readonly intervalSeconds: number;
  /** Seconds since 1970. */
  readonly untilSeconds: number;
}

export type GrantState = 'proposed' | 'accepted' | 'ended';

/** A grant as ASC has it. */
export interface Grant {
  readonly id: GrantId;
  readonly terms: GrantTerms;
  readonly state: GrantState;
  /** Nothing is served or recorded from then on. */
  readonly endSeconds: number;
  /** Nothing is served any more; records are paid for until the end. */
  readonly revoked: boolean;
  readonly fuelWei: bigint;
  readonly owner: Address;
  /** The second in which a record was last paid for; 0 before the first. */
  readonly paidAtSeconds: number;
}

/** A grant's proposal, as ASC logged it. */
export interface ProposedEvent {
  readonly id: GrantId;
  readonly owner: Address;
  readonly terms: GrantTerms;
  readonly blockNumber: number;
}

/** ASC, read. Throws LedgerUnavailableError when the chain cannot be read within its time. */
export interface Grants {
  readonly domain: { readonly chainId: number; readonly asc: Address };
  /** Grants in the order asked for; null where there is none by that id. */
  readGrants(
    ids: readonly GrantId[],
    anchor: Anchor,
    signal?: AbortSignal,
  ): Promise<{ point: ChainPoint; grants: (Grant | null)[] }>;
  /** Proposals in blocks `fromBlock` … `toBlock`, to a CSS or about a dataset, oldest first. */
  findProposed(
    query: { readonly css?: Address; readonly dataset?: DatasetId },
    fromBlock: number,
    toBlock: number,
    signal?: AbortSignal,
  ): Promise<ProposedEvent[]>;
  /** What ASC owes an account. */
  readCreditWei(account: Address, anchor: Anchor, signal?: AbortSignal): Promise<bigint>;
}

/** What one account does on ASC. Each call waits until its transaction is mined. */
export interface GrantParty {
  readonly account: Address;
  /** As the dataset's owner. */
  authorise(
    dataset: { readonly name: DatasetName; readonly kind: DatasetKind },
    terms: GrantTerms,
    signal?: AbortSignal,
  ): Promise<{ grant: GrantId; transaction: MinedTransaction }>;
  drop(grant: GrantId, signal?: AbortSignal): Promise<MinedTransaction>;
  /** As the CSS. */
  accept(grant: GrantId, signal?: AbortSignal): Promise<MinedTransaction>;
  fund(grant: GrantId, wei: bigint, signal?: AbortSignal): Promise<MinedTransaction>;
  /** As the owner or the CSS. */
  revoke(grant: GrantId, signal?: AbortSignal): Promise<MinedTransaction>;
  end(grant: GrantId, signal?: AbortSignal): Promise<MinedTransaction>;
  withdraw(to: Address, signal?: AbortSignal): Promise<MinedTransaction>;
}
