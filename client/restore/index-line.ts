import * as z from 'zod';
import type { BlockMeta } from '../../core/block/meta.ts';
import { encodeMeta } from '../../core/block/meta.ts';
import { toHex } from '../../core/bytes.ts';
import type { BlockIndex } from '../../core/ids.ts';
import type { VerdictKind } from '../../core/verdict.ts';
import { utcText } from '../utc-text.ts';

/** Where a block's content lies: bytes of a file below the folder. */
export interface Place {
  /** With the system's separators. */
  readonly path: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** A block as the index names it: a line of `plumb-index.jsonl`, a JSON object. Times are ISO 8601, UTC. */
export interface IndexLine {
  readonly block: BlockIndex;
  /** The same holds of every block up to this one; absent where it is one block. */
  readonly upTo?: BlockIndex;
  readonly verdict: VerdictKind;
  /** Why it is not intact. */
  readonly reason?: string;
  /** The name as the device recorded it, of a file or an MQTT topic; null for a line of a stream. */
  readonly name: string | null;
  /** Of the versions of a file, or the messages of a topic, which one this is or belongs to, from 1. */
  readonly number?: number;
  /** Where it was written; null where it was not. */
  readonly path: string | null;
  readonly offset?: number;
  readonly sizeBytes?: number;
  readonly capturedAt: string | null;
  /** The source's own word: a file's time of change, a message's time. */
  readonly sourceTime?: string;
  readonly clock?: 'not synchronised' | 'new stretch';
  readonly type?: string;
  readonly part?: number;
  readonly parts?: number;
  /** Of a piece of a file that grows: at which of its bytes it begins. */
  readonly from?: number;
  /** The recorded meta itself, dag-cbor in hex. */
  readonly meta: string | null;
}

/** What of a line an interrupted restoration goes on from. */
export const keptLine = z.object({
  block: z.int().min(0),
  verdict: z.string(),
  name: z.string().nullable(),
  path: z.string().nullable(),
  offset: z.int().min(0).optional(),
  sizeBytes: z.int().min(0).optional(),
  meta: z.string().nullable(),
});

/** What the meta of a block says, as the index and lines of JSON name it. */
export function factsOf(
  meta: BlockMeta,
): Pick<IndexLine, 'capturedAt' | 'sourceTime' | 'clock' | 'type' | 'part' | 'parts' | 'from'> {
  const { at, time, clock, type, part, parts, from } = meta;
  return {
    capturedAt: utcText(at),
    ...(time === undefined ? {} : { sourceTime: utcText(time) }),
    ...(clock === undefined ? {} : { clock: clock === 1 ? ('not synchronised' as const) : ('new stretch' as const) }),
    ...(type === undefined ? {} : { type }),
    ...(part === undefined ? {} : { part }),
    ...(parts === undefined ? {} : { parts }),
    ...(from === undefined ? {} : { from }),
  };
}

/**
 * A block that is intact.
 * @throws ArgumentError for a meta that no block can have
 */
export function intactLine(block: BlockIndex, meta: BlockMeta, number: number | null, place: Place | null): IndexLine {
  return {
    block,
    verdict: 'intact',
    name: meta.name ?? null,
    ...(number === null ? {} : { number }),
    ...(place ?? { path: null }),
    ...factsOf(meta),
    meta: toHex(encodeMeta(meta)),
  };
}

/**
 * Blocks that are not; `about` is their recorded meta, where it is proven all the same.
 * @throws ArgumentError for a meta that no block can have
 */
export function lostLine(
  { from, to }: { readonly from: BlockIndex; readonly to: BlockIndex },
  verdict: VerdictKind,
  reason: string | null,
  about: BlockMeta | null,
): IndexLine {
  return {
    block: from,
    ...(to === from ? {} : { upTo: to }),
    verdict,
    reason: reason ?? '',
    name: about?.name ?? null,
    path: null,
    ...(about === null ? { capturedAt: null } : factsOf(about)),
    meta: about === null ? null : toHex(encodeMeta(about)),
  };
}
