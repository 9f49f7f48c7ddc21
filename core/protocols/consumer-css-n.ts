import { contentKeyOf } from '../agreement/verify-keys.ts';
import { decryptContent } from '../block/content-cipher.ts';
import { type Opening, openBlock } from '../block/digest.ts';
import { eachInParallel } from '../each-in-parallel.ts';
import { KeyError, PlumblineError } from '../errors.ts';
import type { ContentKey, DatasetId } from '../ids.ts';
import { MAX_BLOCK_BYTES, MAX_RECORD_BLOCKS } from '../limits.ts';
import { isPlainRecord } from '../log/record.ts';
import type { CssN, Fault } from '../ports/css.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { Verdict } from '../verdict.ts';
import type { BrokenAnswer, StorageAnswer } from './challenge-storage.ts';
import { type ConsumerProtocol, type ShownKeys, verifyWindow } from './judge-with-keys.ts';
import { faultOnRecorded, type ProvenRecord } from './prove-records.ts';

/** What Protocol IV runs on. */
export interface ProtocolFour extends ConsumerProtocol {
  /** The storage, asked under the agreement: ASC lets it deliver. */
  readonly css: CssN;
}

/** Blocks under way at once; each is dropped as soon as it is hashed. */
const PARALLEL_BLOCKS = 8;

/**
 * Protocol IV (Table V): as Protocol III, on storage that only gives blocks back. They are retrieved, a limited number of
 * them (the agreement's samples), and hashed here; evidence is `retrieved`.
 */
export async function* verifyConsumerCssN(
  deps: ProtocolFour,
  blocks: readonly number[],
  signal?: AbortSignal,
): AsyncGenerator<Verdict[]> {
  for (let at = 0; at < blocks.length; at += MAX_RECORD_BLOCKS) {
    signal?.throwIfAborted();
    const window = blocks.slice(at, at + MAX_RECORD_BLOCKS);
    yield await verifyWindow(deps, 'retrieved', window, (records) => retrieveAll(deps, records, signal), signal);
  }
}

/** Table V steps 5–7: BlockIDs to the CSS, DataBlocks back, hashed as they come. */
async function retrieveAll(
  deps: ProtocolFour,
  records: readonly ProvenRecord[],
  signal: AbortSignal | undefined,
): Promise<Map<number, StorageAnswer>> {
  const answers = new Map<number, StorageAnswer>();
  await eachInParallel(records, PARALLEL_BLOCKS, async ({ index }) => {
    const retrieved = await retrieveBlock(deps, index, signal);
    answers.set(index, 'block' in retrieved ? { index, opening: retrieved.opening } : retrieved);
  });
  return answers;
}

/** A block as it was delivered, hashed here. */
export interface DeliveredBlock {
  readonly index: number;
  readonly block: Uint8Array;
  readonly meta: Uint8Array;
  readonly opening: Opening;
}

/** One block from the storage. What it fails at or refuses costs the block its verdict, not the audit its end. */
export async function retrieveBlock(
  deps: Pick<ProtocolFour, 'primitives' | 'css' | 'log'>,
  index: number,
  signal?: AbortSignal,
): Promise<DeliveredBlock | BrokenAnswer | Fault> {
  try {
    const given = await deps.css.getBlock(deps.log.dataset, index, signal);
    if ('kind' in given) return faultOnRecorded({ ...given, index });
    const { block, meta } = given;
    if (block.length === 0) return { index, kind: 'unavailable', reason: 'The storage returned no bytes.' };
    if (block.length > MAX_BLOCK_BYTES) return { index, reason: 'The storage returned more bytes than any block has.' };
    return { index, block, meta, opening: openBlock(deps.primitives, block, meta) };
  } catch (cause) {
    signal?.throwIfAborted();
    if (!(cause instanceof PlumblineError)) throw cause;
    return {
      index,
      kind: cause.kind === 'refused' ? 'refused' : 'unavailable',
      reason: cause.shortMessage,
    };
  }
}

/** Content of a delivered block, or why it cannot be had from bytes that are intact. */
export type OpenedContent =
  | { readonly content: Uint8Array }
  | { readonly reason: string; readonly blame: 'writer' | 'owner' | null };

/**
 * Decrypts a block whose verdict is intact. The key of each block's content is bound by its record: one that is not the
 * committed one is the owner's doing, and a committed one that does not decrypt is the writer's.
 */
export function openDelivered(
  primitives: Primitives,
  dataset: DatasetId,
  { index, record }: ProvenRecord,
  { payload }: Pick<ShownKeys, 'payload'>,
  bytes: Uint8Array,
): OpenedContent {
  if (isPlainRecord(record)) return { content: bytes };
  let key: ContentKey | null;
  try {
    key = contentKeyOf(primitives, payload, index);
  } catch (cause) {
    if (!(cause instanceof KeyError)) throw cause;
    return { reason: cause.shortMessage, blame: 'owner' };
  }
  if (key === null) return { reason: 'The owner has sent no content key.', blame: null };
  try {
    return { content: decryptContent(primitives, key, { dataset, index }, bytes) };
  } catch (cause) {
    if (!(cause instanceof KeyError)) throw cause;
    return {
      reason: 'The recorded bytes are not encrypted with the key that their record commits to.',
      blame: 'writer',
    };
  }
}
