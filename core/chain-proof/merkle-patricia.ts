import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes, equalBytes, u8 } from '../bytes.ts';
import { ProofError } from '../errors.ts';
import { decodeRlp, encodeRlp, type Rlp } from './rlp.ts';

/*
 * Ethereum's Merkle-Patricia trie (yellow paper, appendix D). A node of 32 bytes or more is named by its Keccak-256, a smaller
 * one stands in its parent itself.
 */

/** No key here has more half bytes than a hash. */
const MAX_NIBBLES = 64;

/**
 * What a trie has under a key, by its proof: the nodes on the way, from the root on. Null where the proof shows that it has
 * nothing there.
 * @throws ProofError when a node is missing, is not the one that is named, or is malformed
 */
export function valueInTrie(root: Uint8Array, key: Uint8Array, proof: readonly Uint8Array[]): Uint8Array | null {
  const nibbles = nibblesOf(key);
  if (nibbles.length > MAX_NIBBLES) throw new ProofError('The key of the trie is too long.');
  if (proof.length === 0 && equalBytes(root, EMPTY_TRIE)) return null;
  let next = 0;
  const nodeOf = (reference: Rlp): readonly Rlp[] => {
    // A small node stands here itself; some nodes show it once more.
    if (!(reference instanceof Uint8Array)) return reference;
    const node = proof[next++];
    if (node === undefined) throw new ProofError(`The proof ends too early, after ${next - 1} nodes.`);
    if (reference.length !== 32 || !equalBytes(keccak_256(node), reference)) {
      throw new ProofError(`Node ${next} of the proof does not match the hash above it.`);
    }
    return requireList(decodeRlp(node));
  };
  let reference: Rlp = root;
  for (let at = 0; ; ) {
    const node = nodeOf(reference);
    if (node.length === 17) {
      if (at === nibbles.length) return valueIn(node[16]);
      reference = node[nibbles[at++] as number] as Rlp;
    } else {
      const { path, isLeaf } = readPath(node);
      const fits = path.every((nibble, i) => nibbles[at + i] === nibble);
      if (isLeaf) return fits && at + path.length === nibbles.length ? valueIn(node[1]) : null;
      if (!fits) return null;
      at += path.length;
      reference = node[1] as Rlp;
    }
    if (reference instanceof Uint8Array && reference.length === 0) return null;
  }
}

/** Root of the trie of a list: RLP of the position -> item. Transactions and receipts of a block are kept so. */
export function rootOfList(items: readonly Uint8Array[]): Uint8Array {
  const entries = items.map((value, i) => ({ path: nibblesOf(encodeRlp(numberBytes(i))), value }));
  if (entries.length === 0) return EMPTY_TRIE;
  return keccak_256(encodeRlp(buildNode(entries, 0)));
}

/** Of a trie without any value. */
const EMPTY_TRIE = keccak_256(u8(0x80));

interface Entry {
  readonly path: readonly number[];
  readonly value: Uint8Array;
}

function buildNode(entries: readonly Entry[], depth: number): Rlp {
  const [first] = entries as [Entry];
  if (entries.length === 1) return [writePath(first.path.slice(depth), true), first.value];
  let shared = depth;
  while (entries.every(({ path }) => path.length > shared && path[shared] === first.path[shared])) shared++;
  if (shared > depth) {
    return [writePath(first.path.slice(depth, shared), false), referenceTo(buildNode(entries, shared))];
  }
  const branches = Array.from({ length: 16 }, (_, nibble) => {
    const below = entries.filter(({ path }) => path[depth] === nibble);
    return below.length === 0 ? new Uint8Array() : referenceTo(buildNode(below, depth + 1));
  });
  const here = entries.find(({ path }) => path.length === depth);
  return [...branches, here?.value ?? new Uint8Array()];
}

function referenceTo(node: Rlp): Rlp {
  const encoded = encodeRlp(node);
  return encoded.length < 32 ? node : keccak_256(encoded);
}

/** A path with its marker: hex prefix encoding. */
function writePath(nibbles: readonly number[], isLeaf: boolean): Uint8Array {
  const isOdd = nibbles.length % 2 === 1;
  const marker = (isLeaf ? 2 : 0) + (isOdd ? 1 : 0);
  const all = isOdd ? [marker, ...nibbles] : [marker, 0, ...nibbles];
  return Uint8Array.from(
    { length: all.length / 2 },
    (_, i) => 16 * (all[2 * i] as number) + (all[2 * i + 1] as number),
  );
}

function readPath(node: readonly Rlp[]): { path: number[]; isLeaf: boolean } {
  const [encoded] = node;
  if (node.length !== 2 || !(encoded instanceof Uint8Array) || encoded.length === 0) {
    throw new ProofError('A node of the proof is not a trie node.');
  }
  const [marker = 0, padding, ...rest] = nibblesOf(encoded);
  const isOdd = (marker & 1) === 1;
  if (marker > 3 || (!isOdd && padding !== 0)) throw new ProofError('A path in the proof is malformed.');
  return { path: isOdd ? [padding as number, ...rest] : rest, isLeaf: marker >= 2 };
}

function valueIn(item: Rlp | undefined): Uint8Array | null {
  if (!(item instanceof Uint8Array)) throw new ProofError('A value in the proof is malformed.');
  return item.length === 0 ? null : item;
}

function requireList(value: Rlp): readonly Rlp[] {
  if (value instanceof Uint8Array) throw new ProofError('A node of the proof is not a list.');
  return value;
}

function nibblesOf(bytes: Uint8Array): number[] {
  const nibbles: number[] = [];
  for (const byte of bytes) nibbles.push(byte >> 4, byte & 15);
  return nibbles;
}

function numberBytes(value: number): Uint8Array {
  if (value === 0) return new Uint8Array();
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return concatBytes(Uint8Array.from(bytes));
}
