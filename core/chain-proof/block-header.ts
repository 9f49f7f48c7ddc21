import { keccak_256 } from '@noble/hashes/sha3.js';
import { equalBytes, fromHex, to0x } from '../bytes.ts';
import { ProofError } from '../errors.ts';
import { encodeRlp, rlpNumber } from './rlp.ts';

/** A block of the chain whose hash was computed here from its fields. */
export interface BlockHeader {
  readonly number: number;
  /** 0x-hex. */
  readonly hash: string;
  readonly timeSeconds: number;
  readonly stateRoot: Uint8Array;
  readonly receiptsRoot: Uint8Array;
}

type Field = readonly [name: string, as: 'bytes' | 'number'];

const FIELDS: readonly Field[] = [
  ['parentHash', 'bytes'],
  ['sha3Uncles', 'bytes'],
  ['miner', 'bytes'],
  ['stateRoot', 'bytes'],
  ['transactionsRoot', 'bytes'],
  ['receiptsRoot', 'bytes'],
  ['logsBloom', 'bytes'],
  ['difficulty', 'number'],
  ['number', 'number'],
  ['gasLimit', 'number'],
  ['gasUsed', 'number'],
  ['timestamp', 'number'],
  ['extraData', 'bytes'],
  ['mixHash', 'bytes'],
  ['nonce', 'bytes'],
];

/** What later forks have appended, in this order: London, Shanghai, Cancun, Cancun, Cancun, Prague, Amsterdam. */
const LATER_FIELDS: readonly Field[] = [
  ['baseFeePerGas', 'number'],
  ['withdrawalsRoot', 'bytes'],
  ['blobGasUsed', 'number'],
  ['excessBlobGas', 'number'],
  ['parentBeaconBlockRoot', 'bytes'],
  ['requestsHash', 'bytes'],
  ['blockAccessListHash', 'bytes'],
];

/**
 * A block as a node's JSON-RPC shows it, with the hash that these fields have.
 * @throws ProofError when a field is missing, or the hash that the node names is another
 */
export function headerFromJson(block: Readonly<Record<string, unknown>>): BlockHeader {
  const isThere = ([name]: Field): boolean => block[name] !== undefined && block[name] !== null;
  const later = LATER_FIELDS.filter(isThere);
  const items = [...FIELDS, ...later].map(([name, as]) => {
    const text = block[name];
    if (typeof text !== 'string' || !/^0x[0-9a-fA-F]*$/.test(text) || text.length > 10_000) {
      throw new ProofError(`The block's field ${name} is missing or malformed.`);
    }
    if (as === 'number') return rlpNumber(BigInt(text === '0x' ? '0x0' : text));
    return fromHex(text, name);
  });
  const hash = keccak_256(encodeRlp(items));
  const named = block.hash;
  if (typeof named !== 'string' || !/^0x[0-9a-fA-F]{64}$/.test(named) || !equalBytes(fromHex(named), hash)) {
    throw new ProofError(
      `The block's fields hash to ${to0x(hash)}, but the node gives the hash ${String(named).slice(0, 66)}. The node lies, or its chain has a different block format.`,
    );
  }
  const numberOf = (name: string): number => {
    const value = Number(block[name]);
    if (!Number.isSafeInteger(value)) throw new ProofError(`The block's field ${name} is out of bounds.`);
    return value;
  };
  const bytesOf = (name: string): Uint8Array => {
    const bytes = fromHex(block[name] as string, name);
    if (bytes.length !== 32) throw new ProofError(`The block's field ${name} has ${bytes.length} bytes.`);
    return bytes;
  };
  return {
    number: numberOf('number'),
    hash: to0x(hash),
    timeSeconds: numberOf('timestamp'),
    stateRoot: bytesOf('stateRoot'),
    receiptsRoot: bytesOf('receiptsRoot'),
  };
}
