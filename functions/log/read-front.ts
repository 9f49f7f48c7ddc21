import { frontBytesOf, readSegmentFront, type SegmentFront } from '../../core/batch/read-segment.ts';
import { SegmentError } from '../../core/errors.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { ObjectReader } from '../ports.ts';
import type { ReadableSegment } from '../state/segment-entry.ts';

/** Why what is stored cannot be answered from: for the reason of a fault, in plain words. */
export interface Damage {
  readonly damage: string;
}

interface Ports {
  readonly primitives: Pick<Primitives, 'sha256'>;
  readonly objects: Pick<ObjectReader, 'read'>;
}

/**
 * The front of a segment as it is stored now, whatever it was when it was checked in: a verifier is to judge what lies
 * there. When it does not parse at its known length, the length that it says itself is tried.
 */
export async function readFront(
  { primitives, objects }: Ports,
  segment: Pick<ReadableSegment, 'key' | 'frontBytes'>,
  signal?: AbortSignal,
): Promise<SegmentFront | Damage> {
  const bytes = await objects.read(segment.key, { start: 0, end: segment.frontBytes }, signal);
  if (bytes === null) return { damage: 'object missing' };
  try {
    return readSegmentFront(primitives, bytes);
  } catch (error) {
    const known = damageOf(error);
    const saidBytes = lengthSaid(bytes);
    if (saidBytes === null || saidBytes === segment.frontBytes) return known;
    const again = await objects.read(segment.key, { start: 0, end: saidBytes }, signal);
    if (again === null) return { damage: 'object missing' };
    try {
      return readSegmentFront(primitives, again);
    } catch (second) {
      return damageOf(second);
    }
  }
}

function lengthSaid(bytes: Uint8Array): number | null {
  try {
    return frontBytesOf(bytes);
  } catch {
    return null;
  }
}

function damageOf(error: unknown): Damage {
  if (!(error instanceof SegmentError)) throw error;
  return { damage: `manifest damaged: ${error.shortMessage}` };
}
