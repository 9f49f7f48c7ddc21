import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes, equalBytes, to0x, u8 } from '../bytes.ts';
import { ProofError } from '../errors.ts';
import { type Address, addressBytes, type DatasetId, datasetBytes, type LogRoot, type RoundRoot } from '../ids.ts';
import { addressWord, word } from '../typed-data.ts';
import { valueInTrie } from './merkle-patricia.ts';
import { decodeRlp } from './rlp.ts';

/** What DISSC keeps of a dataset, by its storage; size 0 and a zero root where it has nothing. */
export interface DisscDataset {
  readonly device: Address;
  readonly size: number;
  readonly serial: number;
  readonly root: LogRoot;
}

/** What eth_getProof answers, as bytes: not to be believed before it is verified. */
export interface StorageProof {
  readonly accountProof: readonly Uint8Array[];
  /** By slot, in the order asked for. */
  readonly storageProof: readonly (readonly Uint8Array[])[];
}

/** Where DISSC's mappings stand among its variables (contracts/src/DISSC.sol). */
const DATASETS_SLOT = 0;
const ROUNDS_SLOT = 1;

/**
 * The two slots of a dataset: device, size and serial in one, the root in the next.
 * @throws ArgumentError for an id that is no hex
 */
export function slotsOfDataset(dataset: DatasetId): readonly [Uint8Array, Uint8Array] {
  const first = keccak_256(concatBytes(datasetBytes(dataset), word(u8(DATASETS_SLOT))));
  return [first, successor(first)];
}

/**
 * The slot of an anchorer's newest round.
 * @throws ArgumentError for an account that is no hex
 */
export function slotOfRound(anchorer: Address): Uint8Array {
  return keccak_256(concatBytes(addressWord(anchorer), word(u8(ROUNDS_SLOT))));
}

/** @throws ProofError unless the proof leads from the state of a block to these slots of this contract */
export function disscDataset(
  stateRoot: Uint8Array,
  dissc: Address,
  dataset: DatasetId,
  proof: StorageProof,
): DisscDataset {
  const [state, root] = readSlots(stateRoot, dissc, slotsOfDataset(dataset), proof) as [Uint8Array, Uint8Array];
  const view = new DataView(state.buffer, state.byteOffset, 32);
  const size = view.getUint32(4) * 2 ** 32 + view.getUint32(8);
  return { serial: view.getUint32(0), size, device: to0x(state.subarray(12)) as Address, root: root as LogRoot };
}

/** 32 zero bytes before the first. @throws ProofError as `disscDataset` */
export function disscRound(stateRoot: Uint8Array, dissc: Address, anchorer: Address, proof: StorageProof): RoundRoot {
  const [round] = readSlots(stateRoot, dissc, [slotOfRound(anchorer)], proof);
  return round as RoundRoot;
}

function readSlots(
  stateRoot: Uint8Array,
  contract: Address,
  slots: readonly Uint8Array[],
  { accountProof, storageProof }: StorageProof,
): Uint8Array[] {
  const account = valueInTrie(stateRoot, keccak_256(addressBytes(contract)), accountProof);
  if (account === null) throw new ProofError(`That block's state has no contract ${contract}.`);
  const fields = decodeRlp(account);
  if (fields instanceof Uint8Array || fields.length !== 4)
    throw new ProofError('The account in the proof is malformed.');
  const storageRoot = fields[2];
  const codeHash = fields[3];
  if (!(storageRoot instanceof Uint8Array) || !(codeHash instanceof Uint8Array) || storageRoot.length !== 32) {
    throw new ProofError('The account in the proof is malformed.');
  }
  if (equalBytes(codeHash, NO_CODE)) throw new ProofError(`${contract} has no code in that block's state.`);
  return slots.map((slot, i) => {
    const value = valueInTrie(storageRoot, keccak_256(slot), storageProof[i] ?? []);
    const number = value === null ? new Uint8Array() : decodeRlp(value);
    if (!(number instanceof Uint8Array) || number.length > 32)
      throw new ProofError('A slot in the proof is malformed.');
    return word(number);
  });
}

const NO_CODE = keccak_256(new Uint8Array());

function successor(slot: Uint8Array): Uint8Array {
  const next = slot.slice();
  for (let at = 31; at >= 0; at--) {
    next[at] = ((next[at] as number) + 1) & 0xff;
    if (next[at] !== 0) break;
  }
  return next;
}
