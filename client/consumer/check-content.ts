import { contentKeyOf } from '../../core/agreement/verify-keys.ts';
import { decryptContent } from '../../core/block/content-cipher.ts';
import { blockDigest } from '../../core/block/digest.ts';
import { decodeMeta } from '../../core/block/meta.ts';
import { openDigest } from '../../core/block/seal.ts';
import { equalBytes } from '../../core/bytes.ts';
import { KeyError } from '../../core/errors.ts';
import type { ContentKey, DatasetId } from '../../core/ids.ts';
import type { CssN } from '../../core/ports/css.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { retrieveBlock } from '../../core/protocols/consumer-css-n.ts';
import { findKeys, type ReceivedKeys, type RequestKeys, type ShownKeys } from '../../core/protocols/judge-with-keys.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { PurchaseLog } from './open-purchase.ts';
import type { VerifiedBlock } from './verified-block.ts';

export interface ContentDeps {
  readonly primitives: Primitives;
  readonly log: PurchaseLog['log'];
  /** Null where no block is fetched: the keys alone are looked at then. */
  readonly css: CssN | null;
  /** Told of each preview that decrypts. */
  readonly onPreview: (block: VerifiedBlock) => void;
}

/** Checks what an audit's keys say of content, beside the audit itself. */
export interface ContentCheck {
  /** Asks as before, and remembers what has come. */
  readonly requestKeys: RequestKeys;
  /** The verdicts, with those changed whose content key is not the recorded one, or does not decrypt. */
  check(verdicts: readonly Verdict[], signal?: AbortSignal): Promise<Verdict[]>;
}

/**
 * The previews of an audit (specification#delivery): a content key that is given must be the one that the record commits
 * to, and open the block. So a consumer sees before paying that content decrypts, and to what.
 */
export function checkContent(deps: ContentDeps, requestKeys: RequestKeys): ContentCheck {
  let received: ReceivedKeys = { payloads: [], refusals: [] };
  return {
    async requestKeys(blocks, signal) {
      received = await requestKeys(blocks, signal);
      return received;
    },
    async check(verdicts, signal) {
      const checked: Verdict[] = [];
      for (const verdict of verdicts) {
        const found = verdict.verdict === 'intact' ? findKeys(received, verdict.index) : null;
        const isShown = found !== null && 'block' in found;
        checked.push(isShown ? await judgeContent(deps, verdict, found, signal) : verdict);
      }
      return checked;
    },
  };
}

async function judgeContent(
  deps: ContentDeps,
  verdict: Verdict,
  shown: ShownKeys,
  signal: AbortSignal | undefined,
): Promise<Verdict> {
  const { primitives, log, css } = deps;
  const { index } = verdict;
  let key: ContentKey | null;
  try {
    key = contentKeyOf(primitives, shown.payload, index);
  } catch (cause) {
    if (!(cause instanceof KeyError)) throw cause;
    return { ...verdict, verdict: 'refused', reason: cause.shortMessage, blame: 'owner' };
  }
  if (key === null || css === null) return verdict;
  // What was given once is given again for nothing.
  const given = await retrieveBlock({ primitives, css, log }, index, signal);
  if (!('block' in given)) return verdict;
  const { record, blockKey } = shown.block;
  const recorded = openDigest(primitives, record.sealed, record.commitment, blockKey);
  if (!equalBytes(recorded, blockDigest(primitives, { dataset: log.dataset, index }, given.opening))) {
    const reason = 'Asked for the block again, the storage returned bytes that differ from the recorded ones.';
    return { ...verdict, verdict: 'corrupted', reason };
  }
  const content = decrypt(deps, log.dataset, key, index, given.block);
  if (content === null) {
    const reason = 'The recorded bytes are not encrypted with the key that their record commits to.';
    return { ...verdict, verdict: 'misrecorded', reason, blame: 'writer' };
  }
  deps.onPreview({ index, meta: decodeMeta(given.meta), content });
  return verdict;
}

function decrypt(
  { primitives }: ContentDeps,
  dataset: DatasetId,
  key: ContentKey,
  index: number,
  bytes: Uint8Array,
): Uint8Array | null {
  try {
    return decryptContent(primitives, key, { dataset, index }, bytes);
  } catch (cause) {
    if (!(cause instanceof KeyError)) throw cause;
    return null;
  }
}
