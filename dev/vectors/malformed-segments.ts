import { attachedFaults } from './malformed/attached.ts';
import { headerFaults, truncations } from './malformed/containers.ts';
import { entryFaults, metaFaults } from './malformed/entries.ts';
import { manifestKeyFaults, manifestShapeFaults } from './malformed/manifests.ts';
import { blockFaults, sectionFaults } from './malformed/sections.ts';
import { oversized } from './malformed/sizes.ts';
import { firstBatchFaults, untrueFaults } from './malformed/untrue.ts';
import { EXPANSION, hex, type Json } from './reference/bytes.ts';
import { PIECES } from './reference/segment.ts';
import { goodSegments } from './segments.ts';

/** Segments with one fault each. */
export async function malformedSegmentVectors(): Promise<Json> {
  const good = await goodSegments();
  const three = good['encrypted-three']!;
  const parts = good['encrypted-second-parts']!;
  const faults = [
    ...truncations('encrypted-three', three),
    ...headerFaults('encrypted-three', three),
    ...sectionFaults('encrypted-three', three),
    ...blockFaults(good),
    ...manifestShapeFaults('encrypted-second-parts', parts),
    ...manifestKeyFaults('encrypted-second-parts', parts),
    ...entryFaults('encrypted-second-parts', parts),
    ...metaFaults('encrypted-second-parts', parts),
    ...firstBatchFaults('plain-one', good['plain-one']!),
    ...attachedFaults('attached-two', good['attached-two']!),
    ...untrueFaults('encrypted-second-parts', parts),
    ...oversized(),
  ];
  const names = new Set<string>();
  for (const { name, base, bytes } of faults) {
    if (names.has(name)) throw new Error(`two faults are called ${name}`);
    if (hex(bytes) === hex(good[base]?.car ?? new Uint8Array([1]))) throw new Error(`${name} changes nothing`);
    names.add(name);
  }
  return {
    about: 'segments with one fault each, made from the named segments of segments.json',
    expansion: EXPANSION,
    pieces: PIECES,
    note:
      'A reader may meet another consequence of the same fault first: expected is a guide, refusal is the requirement. ' +
      'layer says what must have been seen: container, manifest, content (block bytes hashed), record (key, signer, earlier ' +
      'log, sealing). "passes structural": nothing in the segment alone betrays it. "may pass structural": a careful reader ' +
      'of the segment alone can refuse it, a full verification must.',
    segments: faults.map(({ bytes, pieces, ...rest }) => ({
      ...rest,
      ...(pieces ? { carPieces: pieces } : { carHex: hex(bytes) }),
    })),
  };
}
