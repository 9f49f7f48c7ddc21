import { equalBytes } from '../bytes.ts';
import { ArgumentError, ProofError } from '../errors.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { LogState } from './growth.ts';
import { nodeHash, splitPoint } from './merkle.ts';
import { hashRanges, type LogReader, type Range } from './subtree-source.ts';

/**
 * Proof that the first `from` records are a prefix of the log of `to` (RFC 9162 §2.1.4.1).
 * @throws ArgumentError unless 1 <= from <= to
 */
export async function proveConsistency(log: LogReader, from: number, to: number): Promise<Uint8Array[]> {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 1 || from > to) {
    throw new ArgumentError(`A log of ${from} records cannot be proven to extend to ${to}.`);
  }
  const ranges: Range[] = [];
  let [low, high] = [0, to];
  while (from < high) {
    const middle = low + splitPoint(high - low);
    if (from <= middle) {
      ranges.push([middle, high]);
      high = middle;
    } else {
      ranges.push([low, middle]);
      low = middle;
    }
  }
  // The old tree is a node of the new one only where it ends a left branch; then the verifier knows its root already.
  if (low > 0) ranges.push([low, high]);
  return hashRanges(log, ranges.reverse());
}

/**
 * Checks that the log `after` extends the log `before` (RFC 9162 §2.1.4.2).
 * @throws ProofError when the proof is too long, too short, or leads to a different root
 */
export function requireConsistency(
  hasher: Pick<Primitives, 'sha256'>,
  before: LogState,
  after: LogState,
  proof: readonly Uint8Array[],
): void {
  const [from, to] = [before.size, after.size];
  const refuse = (what: string): never => {
    throw new ProofError(`The proof that ${to} records extend ${from} ${what}.`);
  };
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 1 || from > to) refuse('is impossible');
  if (proof.some((node) => node.length !== 32)) refuse('has a node that does not have 32 bytes');
  if (from === to) {
    if (proof.length > 0) refuse('is too long');
    if (!equalBytes(before.root, after.root)) refuse('leads to a different root');
    return;
  }
  const nodes = splitPoint(from + 1) === from ? [before.root, ...proof] : proof;
  let [position, last] = [from - 1, to - 1];
  while (position % 2 === 1) [position, last] = [half(position), half(last)];
  let oldNode = nodes[0] ?? refuse('is too short');
  let newNode = oldNode;
  for (const node of nodes.slice(1)) {
    if (last === 0) refuse('is too long');
    if (position % 2 === 1 || position === last) {
      oldNode = nodeHash(hasher, node, oldNode);
      newNode = nodeHash(hasher, node, newNode);
      while (position % 2 === 0 && position !== 0) [position, last] = [half(position), half(last)];
    } else {
      newNode = nodeHash(hasher, newNode, node);
    }
    [position, last] = [half(position), half(last)];
  }
  if (last !== 0) refuse('is too short');
  if (!equalBytes(oldNode, before.root)) refuse('starts from a different root');
  if (!equalBytes(newNode, after.root)) refuse('leads to a different root');
}

function half(n: number): number {
  return Math.floor(n / 2);
}
