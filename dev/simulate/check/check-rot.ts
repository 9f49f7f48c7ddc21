import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { readSegmentFront } from '../../../core/batch/read-segment.ts';
import { equalBytes } from '../../../core/bytes.ts';
import type { Judged } from '../owner/judge-log.ts';
import type { World } from '../world/build-world.ts';

/** A byte that was turned over in the store. */
interface Rotten {
  readonly key: string;
  /** The block that it belongs to; null where it is of the segment's front. */
  readonly block: number | null;
}

/** Spoils one stored segment a fault of that kind, long after all was checked. Answers what is spoilt. */
export function rotStored({ faults, bucket, service }: World): readonly Rotten[] {
  const sound = new Map(bucket.stored);
  const rotten = faults.all
    .filter(({ kind }) => kind === 'storage-rots')
    .map((fault): Rotten => {
      const random = faults.randomOf(fault);
      const key = random.pick([...sound.keys()].filter((name) => name.endsWith('.car')).sort());
      const car = (bucket.stored.get(key) as Uint8Array).slice();
      const { manifest, offsets } = readSegmentFront(nodePrimitives, sound.get(key) as Uint8Array);
      const at = random.between(0, car.length - 1);
      const number = manifest.blocks.findIndex(({ size }, place) => {
        const start = offsets[place] as number;
        return at >= start && at < start + size;
      });
      car[at] = (car[at] as number) ^ (1 << random.between(0, 7));
      bucket.stored.set(key, car);
      faults.count('storage-rots');
      return { key, block: number === -1 ? null : manifest.first + number };
    });
  // What the functions hold in memory is not what is stored.
  if (rotten.length > 0) service.restart();
  return rotten;
}

/** No verdict is better than the truth: what is called intact is what was written, and what is spoilt is not called so. */
export function checkRot(
  rotten: readonly Rotten[],
  {
    whole,
    got,
    verified,
  }: { readonly whole: readonly Judged[]; readonly got: readonly Judged[]; readonly verified: readonly Judged[] },
  fail: (what: string) => void,
): void {
  checkContents('get', whole, got, fail);
  for (const { block } of rotten) {
    // Two faults may have turned over the same bit.
    if (block === null || rotten.filter((other) => other.block === block).length > 1) continue;
    for (const [by, judged] of Object.entries({ get: got, verify: verified })) {
      const verdict = judged.find(({ index }) => index === block)?.verdict;
      if (verdict === 'intact') fail(`${by}: block ${block} is called intact though a bit of it was turned over`);
    }
  }
}

/** Whatever is called intact has the content that it has in the end. */
export function checkContents(
  by: string,
  whole: readonly Judged[],
  got: readonly Judged[],
  fail: (what: string) => void,
): void {
  for (const { index, verdict, content } of got) {
    const written = whole[index]?.content ?? null;
    if (verdict !== 'intact' || (content !== null && written !== null && equalBytes(content, written))) continue;
    fail(`${by}: block ${index} is called intact, and is not what was written`);
  }
}
