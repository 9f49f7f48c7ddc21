/**
 * A dataset's log as its device needs it for recording: its peaks alone. Subtrees that are appended have made-up roots, so a
 * log of a million blocks costs no more than one of ten.
 */
import { createHash } from 'node:crypto';
import { type HDNodeWallet, TypedDataEncoder } from 'ethers';

/** What a signature is bound to besides the head. */
export interface SigningDomain {
  readonly chainId: number;
  readonly dissc: string;
}

export interface GrowingLog {
  readonly dataset: string;
  readonly device: HDNodeWallet;
  size: number;
  /** One of RFC 9162's perfect subtrees for each bit set in `size`, the largest first. */
  peaks: Peak[];
}

interface Peak {
  readonly leaves: number;
  readonly hash: Buffer;
}

export interface DisscUpdate {
  readonly dataset: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly signature: string;
  readonly peaks: readonly Uint8Array[];
  readonly appended: readonly Uint8Array[];
}

const HEAD_TYPES = {
  Head: [
    { name: 'dataset', type: 'bytes32' },
    { name: 'size', type: 'uint64' },
    { name: 'root', type: 'bytes32' },
  ],
};

/** An empty log. */
export function makeGrowingLog(dataset: string, device: HDNodeWallet): GrowingLog {
  return { dataset, device, size: 0, peaks: [] };
}

/** Lets the log grow by `blocks` made-up blocks, or by given subtrees of so many, and signs what it is then. */
export function growLog(
  domain: SigningDomain,
  log: GrowingLog,
  blocks: number,
  roots: readonly Buffer[] = [],
): DisscUpdate {
  const peaks = log.peaks.map(({ hash }) => hash);
  const sizes = subtreeSizes(log.size, log.size + blocks);
  const appended = sizes.map((leaves, i) => ({ leaves, hash: roots[i] ?? nextBytes32() }));
  for (const subtree of appended) appendPeak(log, subtree);
  const root = rootOf(log);
  return {
    dataset: log.dataset,
    size: log.size,
    root,
    signature: signHead(domain, log, root),
    peaks,
    appended: appended.map(({ hash }) => hash),
  };
}

/** The sizes of the perfect subtrees by which a log grows: at each position the largest 2^k that divides it and fits. */
export function subtreeSizes(from: number, to: number): number[] {
  const sizes: number[] = [];
  for (let position = from; position < to; ) {
    let leaves = 1;
    while (position % (2 * leaves) === 0 && position + 2 * leaves <= to) leaves *= 2;
    sizes.push(leaves);
    position += leaves;
  }
  return sizes;
}

function appendPeak(log: GrowingLog, subtree: Peak): void {
  let peak = subtree;
  log.size += subtree.leaves;
  while (log.peaks.at(-1)?.leaves === peak.leaves) {
    peak = { leaves: peak.leaves * 2, hash: hashNode(log.peaks.pop()!.hash, peak.hash) };
  }
  log.peaks.push(peak);
}

/** RFC 9162's root; the log must not be empty. */
export function rootOf(log: GrowingLog): Buffer {
  return log.peaks.map(({ hash }) => hash).reduceRight((right, left) => hashNode(left, right));
}

function signHead({ chainId, dissc }: SigningDomain, log: GrowingLog, root: Buffer): string {
  const domain = { name: 'Plumbline DISSC', version: '2', chainId, verifyingContract: dissc };
  const value = { dataset: log.dataset, size: log.size, root };
  return log.device.signingKey.sign(TypedDataEncoder.hash(domain, HEAD_TYPES, value)).serialized;
}

/** H(01 ‖ left ‖ right). */
export function hashNode(left: Uint8Array, right: Uint8Array): Buffer {
  return sha256(Buffer.concat([Buffer.from([1]), left, right]));
}

let drawn = 0;

/** Bytes that are as good as random and the same in every run. */
export function nextBytes32(): Buffer {
  return sha256(Buffer.from(`plumbline gas ${++drawn}`));
}

export function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}
