/** A dataset's log as its device keeps it, with made-up batches: what the bench and the tests of DISSC record. */
import { createHash } from 'node:crypto';
import { concat, type HDNodeWallet, keccak256, TypedDataEncoder, toBeHex, zeroPadValue } from 'ethers';

/** What a signature is bound to besides the head. */
export interface SigningDomain {
  readonly chainId: number;
  readonly dissc: string;
}

export interface Log {
  readonly dataset: string;
  readonly device: HDNodeWallet;
  size: number;
  batches: number;
  /** One of RFC 9162's perfect subtrees for each bit set in `batches`, the largest first. */
  peaks: { leaves: number; hash: Buffer }[];
  /** H(00 ‖ batchLeaf), batch by batch. */
  leafHashes: Buffer[];
}

/** A batch, as it is recorded. */
export interface LogBatch {
  readonly count: number;
  readonly salt: Uint8Array;
  readonly batchRoot: Uint8Array;
  /** Of a published batch; else empty. */
  readonly sealedDigests: Uint8Array;
}

export interface DisscUpdate {
  readonly dataset: string;
  readonly leaves: Uint8Array;
  readonly sealedDigests: Uint8Array;
  readonly signature: string;
}

const HEAD_TYPES = {
  Head: [
    { name: 'dataset', type: 'bytes32' },
    { name: 'size', type: 'uint64' },
    { name: 'batches', type: 'uint32' },
    { name: 'root', type: 'bytes32' },
  ],
};

/** An empty log. */
export function makeLog(dataset: string, device: HDNodeWallet): Log {
  return { dataset, device, size: 0, batches: 0, peaks: [], leafHashes: [] };
}

/** Appends `batches` batches of `count` made-up blocks each to the log, and signs what it is then. */
export function makeUpdate(
  domain: SigningDomain,
  log: Log,
  batches: number,
  count: number,
  published: boolean,
): DisscUpdate {
  return makeUpdateOf(
    domain,
    log,
    Array.from({ length: batches }, () => {
      const digests = published ? Buffer.concat(Array.from({ length: count }, nextBytes32)) : Buffer.alloc(0);
      return { count, salt: nextBytes32(), batchRoot: nextBytes32(), sealedDigests: digests };
    }),
  );
}

/** Appends these batches to the log, and signs what it is then. */
export function makeUpdateOf(domain: SigningDomain, log: Log, batches: readonly LogBatch[]): DisscUpdate {
  const leaves: Buffer[] = [];
  for (const { count, salt, batchRoot, sealedDigests } of batches) {
    const published = sealedDigests.length > 0;
    const count32 = Buffer.from(toBeHex(count, 4).slice(2), 'hex');
    const sealedHash = published ? keccak256(sealedDigests) : zeroPadValue('0x', 32);
    leaves.push(Buffer.concat([Buffer.from([published ? 1 : 0]), count32, salt, batchRoot]));
    const leaf = concat([log.dataset, toBeHex(log.size, 8), count32, salt, batchRoot, sealedHash]);
    appendPeak(log, sha256(Buffer.from(`00${leaf.slice(2)}`, 'hex')));
    log.size += count;
  }
  return {
    dataset: log.dataset,
    leaves: Buffer.concat(leaves),
    sealedDigests: Buffer.concat(batches.map(({ sealedDigests }) => sealedDigests)),
    signature: signHead(domain, log),
  };
}

function appendPeak(log: Log, leafHash: Buffer): void {
  log.leafHashes.push(leafHash);
  let peak = { leaves: 1, hash: leafHash };
  while (log.peaks.at(-1)?.leaves === peak.leaves) {
    peak = {
      leaves: peak.leaves * 2,
      hash: sha256(Buffer.concat([Buffer.from([1]), log.peaks.pop()!.hash, peak.hash])),
    };
  }
  log.peaks.push(peak);
  log.batches++;
}

/** RFC 9162's root over the log's batches; the log must not be empty. */
export function rootOf(log: Log): Buffer {
  return log.peaks
    .map(({ hash }) => hash)
    .reduceRight((right, left) => sha256(Buffer.concat([Buffer.from([1]), left, right])));
}

function signHead({ chainId, dissc }: SigningDomain, log: Log): string {
  const domain = { name: 'Plumbline DISSC', version: '1', chainId, verifyingContract: dissc };
  const value = { dataset: log.dataset, size: log.size, batches: log.batches, root: rootOf(log) };
  return log.device.signingKey.sign(TypedDataEncoder.hash(domain, HEAD_TYPES, value)).serialized;
}

let drawn = 0;

/** Bytes that are as good as random and the same in every run. */
export function nextBytes32(): Buffer {
  return sha256(Buffer.from(`plumbline gas ${++drawn}`));
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}
