import { contentKeyOf } from '../../core/agreement/verify-keys.ts';
import { decryptContent } from '../../core/block/content-cipher.ts';
import { requireContentKey } from '../../core/block/content-keys.ts';
import { decodeMeta } from '../../core/block/meta.ts';
import { KeyError, PlumblineError } from '../../core/errors.ts';
import type { BlockIndex, ContentKey } from '../../core/ids.ts';
import type { Fault } from '../../core/ports/css.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { BrokenAnswer } from '../../core/protocols/challenge-storage.ts';
import { type DeliveredBlock, openDelivered } from '../../core/protocols/consumer-css-n.ts';
import { type Case, verdictOn, verdictOnFault } from '../../core/protocols/judge-block.ts';
import {
  type ConsumerProtocol,
  caseOf,
  findKeys,
  judgeWithKeys,
  type ReceivedKeys,
  type ShownKeys,
} from '../../core/protocols/judge-with-keys.ts';
import type { ProvenRecord } from '../../core/protocols/prove-records.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { VerifiedBlock } from './verified-block.ts';

type Delivering = Pick<ConsumerProtocol, 'primitives' | 'log' | 'signerOf'>;

/** A block whose content was decrypted. */
export interface OpenedBlock {
  readonly block: VerifiedBlock;
  /** Whether the owner's block key has shown that these are the bytes that were recorded. */
  readonly isProven: boolean;
}

/** Whether the owner has sent the committed content key of a block. */
export function hasContentKey(primitives: Primitives, keys: ReceivedKeys, index: BlockIndex): boolean {
  const found = findKeys(keys, index);
  if (found === null || 'refusal' in found) return false;
  try {
    return contentKeyOf(primitives, found.payload, index) !== null;
  } catch (cause) {
    if (!(cause instanceof KeyError)) throw cause;
    return false;
  }
}

/**
 * Judges a delivered block and opens it, with the keys that the owner has sent. `shownKey` is what the owner has shown on the
 * chain (OCASC's KeyShown): it opens the block where the owner sends no content key, or another than the committed one. Where
 * no block key has come either, the block is opened and not proven: since the key was shown, whoever stores the block could
 * have encrypted something else under it.
 * @throws ArgumentError as `judgeWithKeys`
 */
export function judgeDelivered(
  deps: Delivering,
  record: ProvenRecord,
  delivered: DeliveredBlock | BrokenAnswer | Fault,
  keys: ReceivedKeys,
  shownKey: ContentKey | null,
): Verdict | OpenedBlock {
  const { primitives } = deps;
  const trial = caseOf(deps, record, 'retrieved');
  if ('kind' in delivered) return verdictOnFault('retrieved', delivered, trial.signer);
  if ('reason' in delivered) return verdictOn(trial, 'corrupted', delivered.reason);
  const found = findKeys(keys, record.index);
  const verdict = judgeWithKeys(primitives, trial, found, delivered.opening);
  const shown = shownKey !== null && isCommitted(deps, record, shownKey) ? shownKey : null;
  if (verdict.verdict !== 'intact' || found === null || 'refusal' in found) {
    const isOwners = verdict.verdict === 'unavailable' || verdict.verdict === 'refused';
    return shown === null || !isOwners ? verdict : openUnproven(deps, trial, delivered, shown);
  }
  const opened = openProven(deps, record, delivered, found, shown);
  if ('content' in opened) return withMeta(trial, delivered, opened.content, true);
  const kind = opened.blame === 'writer' ? 'misrecorded' : 'refused';
  return { ...verdictOn(trial, kind, opened.reason), blame: opened.blame };
}

function isCommitted({ primitives }: Delivering, { index, record }: ProvenRecord, key: ContentKey): boolean {
  try {
    requireContentKey(primitives, record.contentCommitment, key, index);
    return true;
  } catch (cause) {
    if (!(cause instanceof KeyError)) throw cause;
    return false;
  }
}

function openProven(
  { primitives, log }: Delivering,
  record: ProvenRecord,
  { block }: DeliveredBlock,
  found: ShownKeys,
  shown: ContentKey | null,
): ReturnType<typeof openDelivered> {
  const opened = openDelivered(primitives, log.dataset, record, found, block);
  if ('content' in opened || opened.blame === 'writer' || shown === null) return opened;
  const content = decrypt(primitives, { dataset: log.dataset, index: record.index }, shown, block);
  if (content !== null) return { content };
  const reason = 'The recorded bytes are not encrypted with the key that their record commits to.';
  return { reason, blame: 'writer' };
}

function openUnproven(
  { primitives, log }: Delivering,
  trial: Case,
  delivered: DeliveredBlock,
  shown: ContentKey,
): Verdict | OpenedBlock {
  const content = decrypt(primitives, { dataset: log.dataset, index: delivered.index }, shown, delivered.block);
  if (content !== null) return withMeta(trial, delivered, content, false);
  return verdictOn(
    trial,
    'corrupted',
    'The stored bytes do not decrypt under the content key that the owner has shown on the chain.',
  );
}

function decrypt(
  primitives: Primitives,
  id: Parameters<typeof decryptContent>[2],
  key: ContentKey,
  bytes: Uint8Array,
): Uint8Array | null {
  try {
    return decryptContent(primitives, key, id, bytes);
  } catch (cause) {
    if (!(cause instanceof KeyError)) throw cause;
    return null;
  }
}

function withMeta(
  trial: Case,
  { index, meta }: DeliveredBlock,
  content: Uint8Array,
  isProven: boolean,
): Verdict | OpenedBlock {
  try {
    return { block: { index, meta: decodeMeta(meta), content }, isProven };
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    // A meta that no block key has shown to be the recorded one may be the storage's.
    if (!isProven) return verdictOn(trial, 'corrupted', `The stored meta is malformed: ${cause.shortMessage}`);
    return {
      ...verdictOn(trial, 'misrecorded', `The recorded meta is malformed: ${cause.shortMessage}`),
      blame: 'writer',
    };
  }
}
