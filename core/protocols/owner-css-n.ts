import { CID } from 'multiformats/cid';
import { rawCid } from '../batch/manifest.ts';
import type { Manifest } from '../batch/manifest-fields.ts';
import { decryptContent, encryptContent } from '../block/content-cipher.ts';
import { commitContent, contentBatchKey, contentKey, readKey } from '../block/content-keys.ts';
import { openBlock } from '../block/digest.ts';
import type { LinkedObject } from '../block/linked-objects.ts';
import { metaHash } from '../block/meta.ts';
import { equalBytes } from '../bytes.ts';
import { eachInParallel } from '../each-in-parallel.ts';
import { PlumblineError, ProofError } from '../errors.ts';
import type { ChunkRoot, ContentKey, DatasetId, Sha256 } from '../ids.ts';
import { MAX_BLOCK_BYTES, MAX_RECORD_BLOCKS } from '../limits.ts';
import { isPlainRecord } from '../log/record.ts';
import type { BatchHint, Fault, RecordSource } from '../ports/css.ts';
import type { P2pfs } from '../ports/p2pfs.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { Evidence, Verdict } from '../verdict.ts';
import { judgeOpening, verdictOn, verdictOnFault, verdictsOnMissing, verdictsOnUnrecorded } from './judge-block.ts';
import { type AuditKeyOf, blockKeyOf, type DatasetKeyOf } from './owner-keys.ts';
import { faultOnRecorded, type ProvenRecord, proveRecords } from './prove-records.ts';
import type { RecordedHeads } from './recorded-heads.ts';
import type { SignerOf } from './signers.ts';

/** What an owner checks retrieved bytes with. */
export interface OwnerCssN {
  readonly primitives: Primitives;
  readonly dataset: DatasetId;
  readonly datasetKeyOf: DatasetKeyOf;
  /** An auditor's, who has no others. */
  readonly auditKeyOf?: AuditKeyOf;
  readonly signerOf: SignerOf;
}

/** A block as storage gave it. `listedChunkRoot` is what its segment says of it, where there is one. */
export interface RetrievedBlock {
  readonly block: Uint8Array;
  readonly meta: Uint8Array;
  readonly listedChunkRoot?: ChunkRoot;
}

/** What Protocol II runs on, besides the storage. Records prove themselves; heads and keys come from elsewhere. */
export interface ProtocolTwo extends OwnerCssN {
  /** Read from DISSC: the newest is the anchor of every verdict. */
  readonly heads: RecordedHeads;
  readonly records: RecordSource;
}

/** Bytes of a block from storage that does nothing but give them back: a bucket, get-block. */
export type Retrieve = (record: ProvenRecord, signal?: AbortSignal) => Promise<RetrievedBlock | Fault>;

/** Manifests that an IPFS node has pinned, by the batch they are of; null when there is none. */
export type FindManifest = (batch: BatchHint) => Manifest | null;

/** ObjectID of a block in IPFS, and its meta: as linked by the owner, or as its pinned manifest has it. */
export type FindObject = (record: ProvenRecord) => LinkedObject | null;

/** Questions to the storage under way at once. */
const PARALLEL_BLOCKS = 8;

/**
 * Protocol II (Table III), first function: plain retrieval. The storage gives blocks back and does nothing else. Evidence
 * is `retrieved`. Like the two below, it gives one verdict for each block asked for, window by window of 512.
 */
export function verifyByRetrieval(
  deps: ProtocolTwo,
  retrieve: Retrieve,
  blocks: readonly number[],
  signal?: AbortSignal,
): AsyncGenerator<Verdict[]> {
  return verifyBlocks(deps, 'retrieved', blocks, signal, async (record) => {
    // Table III steps 8–9: the BlockID to the CSS, the DataBlock back.
    const stored = await retrieve(record, signal);
    if ('kind' in stored) return verdictOnFault('retrieved', faultOnRecorded(stored), deps.signerOf(record.index));
    return verifyRetrieved(deps, record, stored);
  });
}

/**
 * Protocol II (Table III), second function: P2PFS with the same hash library. The CIDs that an IPFS node of the owner's
 * choice names are compared with the recorded digests; no block is retrieved. Evidence is `attested`.
 */
export function verifyByCid(
  deps: ProtocolTwo,
  p2pfs: Pick<P2pfs, 'nameBlock'>,
  findManifest: FindManifest,
  blocks: readonly number[],
  signal?: AbortSignal,
): AsyncGenerator<Verdict[]> {
  return verifyBlocks(deps, 'attested', blocks, signal, async (record) => {
    const trial = { record, evidence: 'attested' as const, signer: deps.signerOf(record.index) };
    const manifest = findManifest(record.batch);
    const line = manifest?.blocks[record.index - manifest.first];
    if (line === undefined)
      return verdictOn(trial, 'unavailable', 'The IPFS node has not pinned the batch of this block.');
    const cid = rawCid(line.sha256).toString();
    const named = await p2pfs.nameBlock(cid, signal);
    if (named === null) return verdictOn(trial, 'unavailable', `The IPFS node does not have ${cid}.`);
    const sha256 = sha256Of(named.cid);
    if (sha256 === null || named.sizeBytes < 1 || named.sizeBytes > MAX_BLOCK_BYTES) {
      return verdictOn(trial, 'corrupted', `The IPFS node listed ${named.cid}, which is not a block.`);
    }
    const opening = {
      size: named.sizeBytes,
      sha256,
      chunkRoot: line.chunkRoot,
      metaHash: metaHash(deps.primitives, line.meta),
    };
    return judgeOpening(deps.primitives, { ...trial, dataset: deps.dataset }, blockKeyOf(deps, record), opening);
  });
}

/**
 * Protocol II (Table III), third function: P2PFS with another hash library. An object's CID says nothing about the digest
 * when other tools cut or hashed the block in their own way: it is retrieved from peers and hashed here. Evidence is
 * `retrieved`.
 */
export function verifyFromPeers(
  deps: ProtocolTwo,
  p2pfs: Pick<P2pfs, 'readFile'>,
  findObject: FindObject,
  blocks: readonly number[],
  signal?: AbortSignal,
): AsyncGenerator<Verdict[]> {
  return verifyBlocks(deps, 'retrieved', blocks, signal, async (record) => {
    const trial = { record, evidence: 'retrieved' as const, signer: deps.signerOf(record.index) };
    const object = findObject(record);
    if (object === null) {
      return verdictOn(
        trial,
        'unavailable',
        "The IPFS node has not pinned this block's batch, and no object in IPFS is linked to the block.",
      );
    }
    const block = await p2pfs.readFile(object.cid, MAX_BLOCK_BYTES, signal);
    if (block === null) return verdictOn(trial, 'unavailable', `No peer has ${object.cid}.`);
    return verifyRetrieved(deps, record, { block, meta: object.meta });
  });
}

/**
 * A retrieved block against its record (Table III steps 10, 13, 14: hash the DataBlock, open Encrypted[Hash(DataBlock)],
 * compare). Evidence is `retrieved`.
 * @throws ArgumentError as `judgeOpening`
 */
export function verifyRetrieved(deps: OwnerCssN, record: ProvenRecord, retrieved: RetrievedBlock): Verdict {
  const { primitives, dataset } = deps;
  const trial = { dataset, record, evidence: 'retrieved' as const, signer: deps.signerOf(record.index) };
  if (retrieved.block.length === 0) return verdictOn(trial, 'unavailable', 'The storage returned no bytes.');
  if (retrieved.block.length > MAX_BLOCK_BYTES)
    return verdictOn(trial, 'corrupted', 'The storage returned more bytes than any block has.');
  const key = blockKeyOf(deps, record);
  const opening = openBlock(primitives, retrieved.block, retrieved.meta);
  const verdict = judgeOpening(primitives, trial, key, opening);
  if (verdict.verdict !== 'corrupted' || retrieved.listedChunkRoot === undefined) return verdict;
  // The bytes have the recorded SHA-256 but not the chunk root recorded with it: the record contradicts itself.
  const asListed = judgeOpening(primitives, trial, key, { ...opening, chunkRoot: retrieved.listedChunkRoot });
  if (asListed.verdict !== 'intact') return verdict;
  return {
    ...verdictOn(trial, 'misrecorded', 'The recorded chunk root does not match the recorded bytes.'),
    blame: 'writer',
  };
}

/**
 * Content of a block whose verdict is intact.
 * @throws ProofError when the nonce that storage gives does not lead to the recorded content commitment: nobody's proven fault
 * @throws KeyError when the block was encrypted under another key than its record commits to: the writer's doing
 */
export function openContent(deps: OwnerCssN, proven: ProvenRecord, block: Uint8Array): Uint8Array {
  const { primitives, dataset } = deps;
  const { index } = proven;
  const key = contentKeyOf(deps, proven);
  return key === null ? block : decryptContent(primitives, key, { dataset, index }, block);
}

/**
 * The stored bytes that a content was recorded as: what `openContent` opens.
 * @throws ProofError as `openContent` does
 */
export function sealContent(deps: OwnerCssN, proven: ProvenRecord, content: Uint8Array): Uint8Array {
  const { primitives, dataset } = deps;
  const { index } = proven;
  const key = contentKeyOf(deps, proven);
  return key === null ? content : encryptContent(primitives, key, { dataset, index }, content);
}

/** Null where the block is not encrypted. */
function contentKeyOf(deps: OwnerCssN, { index, record, batch }: ProvenRecord): ContentKey | null {
  const { primitives, datasetKeyOf } = deps;
  if (isPlainRecord(record)) return null;
  if (batch.nonce === null)
    throw new ProofError(`The storage returned no nonce for block ${index}, which is encrypted.`);
  const batchKey = contentBatchKey(primitives, readKey(primitives, datasetKeyOf(batch.serial)), batch.nonce);
  const key = contentKey(primitives, batchKey, index);
  if (!equalBytes(commitContent(primitives, key), record.contentCommitment)) {
    throw new ProofError(`The storage's nonce for block ${index} does not match the block's content commitment.`);
  }
  return key;
}

/** What is common to the three functions: records proven window by window, then each block checked in its own way. */
async function* verifyBlocks(
  deps: ProtocolTwo,
  evidence: Evidence,
  blocks: readonly number[],
  signal: AbortSignal | undefined,
  check: (record: ProvenRecord) => Promise<Verdict>,
): AsyncGenerator<Verdict[]> {
  const { primitives, heads, records, signerOf } = deps;
  const [{ size }] = heads;
  for (let at = 0; at < blocks.length; at += MAX_RECORD_BLOCKS) {
    signal?.throwIfAborted();
    const window = blocks.slice(at, at + MAX_RECORD_BLOCKS);
    const recorded = window.filter((index) => index < size);
    const verdicts = verdictsOnUnrecorded(evidence, window, size);
    if (recorded.length > 0) {
      // Table III steps 11–12: Encrypted[Hash(DataBlock)] from DISSC. A record proves itself against the heads read there.
      const found = await proveRecords({ hasher: primitives, records }, heads, recorded, signal);
      verdicts.push(...verdictsOnMissing(evidence, found, signerOf));
      await eachInParallel(found.proven, PARALLEL_BLOCKS, async (record) => {
        verdicts.push(await check(record).catch((cause) => verdictOnFailure(deps, record, evidence, cause, signal)));
      });
    }
    yield verdicts.sort((a, b) => a.index - b.index);
  }
}

/** A storage that refuses, fails or is silent until its time is over costs the block its verdict, not the audit its end. */
function verdictOnFailure(
  deps: ProtocolTwo,
  record: ProvenRecord,
  evidence: Evidence,
  cause: unknown,
  signal: AbortSignal | undefined,
): Verdict {
  signal?.throwIfAborted();
  if (!(cause instanceof PlumblineError)) throw cause;
  const kind = cause.kind === 'refused' ? 'refused' : 'unavailable';
  return verdictOn({ record, evidence, signer: deps.signerOf(record.index) }, kind, cause.shortMessage);
}

/** The SHA-256 that the CID of a raw leaf is; null when it is another kind of CID. */
function sha256Of(text: string): Sha256 | null {
  try {
    const cid = CID.parse(text);
    const sha256 = cid.multihash.digest as Sha256;
    return rawCid(sha256).equals(cid) ? sha256 : null;
  } catch {
    return null;
  }
}
