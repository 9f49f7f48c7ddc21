import type { CaptureTime } from '../../../core/block/falling-clock.ts';
import type { BlockMeta } from '../../../core/block/meta.ts';
import { requireSealable } from '../../log/stamp-blocks.ts';
import { mediaType } from '../media-type.ts';

const NS_PER_MS = 1_000_000n;

/** What a block of a file says: its name, its media type by that, and when the file was changed, where there is room. */
export function metaOfFile(
  stamp: CaptureTime,
  name: string,
  changedNs: bigint,
  place: Pick<BlockMeta, 'part' | 'parts' | 'from'>,
): BlockMeta {
  const type = mediaType(name);
  const meta: BlockMeta = { ...stamp, name, ...(type === null ? {} : { type }), ...place };
  const time = Number(changedNs / NS_PER_MS);
  // Before 1970, or set to nonsense: a file system takes anything.
  if (time < 0 || !Number.isSafeInteger(time)) return meta;
  const dated = { ...meta, time };
  return fits(dated) ? dated : meta;
}

/** Whether a block can carry this name, at any place of the file. */
export function isNameable(name: string, place: Pick<BlockMeta, 'part' | 'parts' | 'from'>): boolean {
  return fits(metaOfFile({ at: 0 }, name, -NS_PER_MS, place));
}

function fits(meta: BlockMeta): boolean {
  try {
    requireSealable(meta);
    return true;
  } catch {
    return false;
  }
}
