import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes, to0x, u64 } from '../bytes.ts';
import { type Address, type AgreementId, bytes32, type DatasetId, datasetBytes, type LogRoot } from '../ids.ts';
import { addressWord, type TypedDataDomain, uintWord, word } from '../typed-data.ts';

/** The contract an agreement is made in. */
export interface AgreementDomain {
  readonly chainId: number;
  readonly ocasc: Address;
}

/** What an owner offers; it never changes (specification#terms). Amounts are in units of the token, the stake in wei. */
export interface Terms {
  readonly dataset: DatasetId;
  /** The first block for sale. */
  readonly first: number;
  readonly count: number;
  /** The zero address for the native coin. */
  readonly token: Address;
  /** Of all the blocks, fee included. */
  readonly price: bigint;
  /** Due as soon as the offer is accepted; at most price and bond. */
  readonly fee: bigint;
  readonly bond: bigint;
  readonly stakeWei: bigint;
  readonly maxChallenges: number;
  readonly maxDemands: number;
  /** Blocks of the consumer's choice that are delivered before they are paid for. */
  readonly samples: number;
  /** Samples that come with their content keys, so that it is seen that content decrypts to what was promised. */
  readonly previews: number;
  readonly windowSeconds: number;
  readonly durationSeconds: number;
  /** Seconds since 1970; any u64. */
  readonly acceptBySeconds: bigint;
  /** Who may accept; the zero address for anyone. */
  readonly consumer: Address;
}

/** An offer with all that its id binds. */
export interface Offer {
  readonly owner: Address;
  /** Its number among the owner's offers. */
  readonly nonce: bigint;
  readonly terms: Terms;
  /** Of the dataset's log when the offer was made. */
  readonly root: LogRoot;
  /** Blocks of the log then. */
  readonly size: number;
  /** Signs messages for the owner; holds no money. */
  readonly agent: Address;
  /** For messages to the owner (X25519), 32 bytes. */
  readonly encryptionKey: Uint8Array;
}

/**
 * keccak256(abi.encode(chainId, contract, owner, nonce, terms, root, size, agent, encryptionKey)): what is accepted by this id
 * is just this, and neither a reorg nor a change of terms alters it.
 * @throws ArgumentError when a number does not fit its place
 */
export function agreementId(domain: AgreementDomain, offer: Offer): AgreementId {
  const { terms } = offer;
  return to0x(
    keccak_256(
      concatBytes(
        word(u64(domain.chainId)),
        addressWord(domain.ocasc),
        addressWord(offer.owner),
        uintWord(offer.nonce, 256),
        datasetBytes(terms.dataset),
        word(u64(terms.first)),
        uintWord(BigInt(terms.count), 32),
        addressWord(terms.token),
        uintWord(terms.price, 128),
        uintWord(terms.fee, 128),
        uintWord(terms.bond, 128),
        uintWord(terms.stakeWei, 96),
        uintWord(BigInt(terms.maxChallenges), 16),
        uintWord(BigInt(terms.maxDemands), 16),
        uintWord(BigInt(terms.samples), 32),
        uintWord(BigInt(terms.previews), 8),
        uintWord(BigInt(terms.windowSeconds), 32),
        uintWord(BigInt(terms.durationSeconds), 32),
        uintWord(terms.acceptBySeconds, 64),
        addressWord(terms.consumer),
        bytes32(offer.root, 'log root'),
        word(u64(offer.size)),
        addressWord(offer.agent),
        bytes32(offer.encryptionKey, 'encryption key'),
      ),
    ),
  ) as AgreementId;
}

/** The EIP-712 domain of vouchers and messages. */
export function typedDomain(domain: AgreementDomain): TypedDataDomain {
  return { name: 'Plumbline OCASC', chainId: domain.chainId, verifyingContract: domain.ocasc };
}
