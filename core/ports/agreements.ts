import type { EncryptionPublicKey } from '../agreement/seal-message.ts';
import type { AgreementDomain, Terms } from '../agreement/terms.ts';
import type { Address, AgreementId, BlockIndex, LogRoot } from '../ids.ts';
import type { Anchor, ChainPoint } from './ledger.ts';

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
