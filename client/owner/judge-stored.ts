import { type BlockMeta, decodeMeta, encodeMeta, metaHash } from '../../core/block/meta.ts';
import { KeyError, PlumblineError } from '../../core/errors.ts';
import type { BlockIndex } from '../../core/ids.ts';
import { judgeOpening, verdictOn, verdictOnFault } from '../../core/protocols/judge-block.ts';
import {
  type OwnerCssN,
  openContent,
  type Retrieve,
  sealContent,
  verifyRetrieved,
} from '../../core/protocols/owner-css-n.ts';
import { blockKeyOf } from '../../core/protocols/owner-keys.ts';
import { faultOnRecorded, type ProvenRecord } from '../../core/protocols/prove-records.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { BlockSource } from './block-source.ts';

/** One block of an answer: its content only when the verdict is intact. */
export interface GotBlock {
  readonly verdict: Verdict;
  /** The same holds of every block up to this one; mostly the block itself. */
  readonly upTo: BlockIndex;
  readonly meta: BlockMeta | null;
  readonly content: Uint8Array | null;
  /** Of a block that is not intact, its recorded meta where that is proven all the same: the file and the time that are damaged. */
  readonly about: BlockMeta | null;
}

/** What was brought back of a block before; null when nothing was. */
export type ReadKept = (
  index: BlockIndex,
) => Promise<{ readonly meta: BlockMeta; readonly content: Uint8Array } | null>;

/** What stored blocks are judged with. */
export interface Judging {
  readonly owner: OwnerCssN;
  readonly source: Pick<BlockSource, 'readListed'>;
  readonly readKept: ReadKept;
}

/** Retrieves a block whose record is proven, verifies it whole and decrypts it. */
export async function judgeStored(
  judging: Judging,
  record: ProvenRecord,
  retrieve: Retrieve,
  signal?: AbortSignal,
): Promise<GotBlock> {
  const kept = await judgeKept(judging, record);
  if (kept !== null) return kept;
  const { owner } = judging;
  const { index } = record;
  const signer = owner.signerOf(index);
  try {
    const stored = await retrieve(record, signal);
    const verdict =
      'kind' in stored
        ? verdictOnFault('retrieved', faultOnRecorded(stored), signer)
        : verifyRetrieved(owner, record, stored);
    if ('kind' in stored || verdict.verdict !== 'intact') return nothing(verdict, await readAbout(judging, record));
    return open(owner, record, verdict, stored);
  } catch (cause) {
    signal?.throwIfAborted();
    if (!(cause instanceof PlumblineError)) throw cause;
    const verdict = cause.kind === 'refused' ? 'refused' : 'unavailable';
    return nothing(verdictOn({ record, evidence: 'retrieved', signer }, verdict, cause.shortMessage), null);
  }
}

/** A block that is not intact. */
export function nothing(verdict: Verdict, about: BlockMeta | null): GotBlock {
  return { verdict, upTo: verdict.index, meta: null, content: null, about };
}

/** What an earlier run has brought back counts when it is, byte for byte, what was recorded. */
async function judgeKept({ owner, readKept }: Judging, record: ProvenRecord): Promise<GotBlock | null> {
  const kept = await readKept(record.index);
  if (kept === null) return null;
  try {
    const block = sealContent(owner, record, kept.content);
    const verdict = verifyRetrieved(owner, record, { block, meta: encodeMeta(kept.meta) });
    return verdict.verdict === 'intact' ? { verdict, upTo: record.index, ...kept, about: null } : null;
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    return null;
  }
}

function open(
  owner: OwnerCssN,
  record: ProvenRecord,
  verdict: Verdict,
  { block, meta }: { readonly block: Uint8Array; readonly meta: Uint8Array },
): GotBlock {
  const about = decodeMeta(meta);
  const trial = { record, evidence: 'retrieved' as const, signer: verdict.signer };
  try {
    return { verdict, upTo: record.index, meta: about, content: openContent(owner, record, block), about: null };
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    // The nonce is the storage's word; the key it leads to, once it fits the commitment, is the writer's.
    if (!(cause instanceof KeyError)) return nothing(verdictOn(trial, 'unavailable', cause.shortMessage), about);
    return nothing({ ...verdictOn(trial, 'misrecorded', cause.shortMessage), blame: 'writer' }, about);
  }
}

/** The meta of a block whose bytes are damaged or gone: with the hashes that are listed beside it, it opens the digest or not. */
async function readAbout({ owner, source }: Judging, record: ProvenRecord): Promise<BlockMeta | null> {
  try {
    const listed = await source.readListed(record);
    if (listed === null) return null;
    const { size, sha256, chunkRoot, meta } = listed;
    const trial = { dataset: owner.dataset, record, evidence: 'attested' as const, signer: null };
    const opening = { size, sha256, chunkRoot, metaHash: metaHash(owner.primitives, meta) };
    const { verdict } = judgeOpening(owner.primitives, trial, blockKeyOf(owner, record), opening);
    return verdict === 'intact' ? decodeMeta(meta) : null;
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    return null;
  }
}
