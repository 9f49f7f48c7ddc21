import { readFile, writeFile } from 'node:fs/promises';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { readSegmentFront, type SegmentFront } from '../../../core/batch/read-segment.ts';
import { sealBatch } from '../../../core/batch/seal-batch.ts';
import { EMPTY_PEAKS } from '../../../core/log/peaks.ts';
import { readProvision } from '../../../device/provision/read-provision.ts';
import type { Damage } from '../damage.ts';
import type { StepLog } from '../step-log.ts';
import type { VerifyHere } from '../verify-here.ts';
import type { DemoDataset } from './owner-setup.ts';
import { sayBlocks } from './verify.ts';

/** The stored object of a dataset's first batch, and how many blocks the whole dataset has. */
export interface Target {
  readonly dataset: DemoDataset;
  readonly path: string;
  readonly size: number;
}

/**
 * Damages the stored bytes in five ways, behind the back of every interface, and expects each to be caught and named to
 * the block. The object is put right again after each.
 */
export async function damageAndCatch(log: StepLog, verify: VerifyHere, target: Target, damage: Damage): Promise<void> {
  log.act('Someone with access to the storage damages it, and the owner verifies again');
  const { dataset, path, size } = target;
  const original = new Uint8Array(await readFile(path));
  const front = readSegmentFront(nodePrimitives, original);
  const count = front.manifest.blocks.length;
  const range = Array.from({ length: count }, (_, number) => number);
  const caught = async (act: () => Promise<void>): Promise<string> => {
    await act();
    try {
      return await verify(dataset, 'possession');
    } finally {
      await writeFile(path, original);
    }
  };
  const expected = (kind: string, blocks: readonly number[]): string =>
    `${blocks.length} ${kind} (${sayBlocks(blocks)}), ${size - blocks.length} intact`;

  const flipped = Math.floor(count / 3);
  await log.step(`one bit of block ${flipped} is flipped`, expected('corrupted', [flipped]), () =>
    caught(() => damage.flipBit(path, offsetOf(front, flipped))),
  );

  const cut = Math.floor((count * 3) / 4);
  await log.step(`the object is cut off inside block ${cut}`, expected('unavailable', range.slice(cut)), () =>
    caught(() => damage.truncate(path, offsetOf(front, cut) + 1)),
  );

  const pair = twinsOf(front);
  await log.step(`blocks ${pair[0]} and ${pair[1]}, of equal size, change places`, expected('corrupted', pair), () =>
    caught(() =>
      damage.swapBlocks(
        path,
        [offsetOf(front, pair[0]), offsetOf(front, pair[1])],
        front.manifest.blocks[pair[0]]?.size ?? 0,
      ),
    ),
  );

  const rival = await olderRival(dataset, front, original);
  await log.step(
    'a rival segment takes its place: older, with the same blocks, validly signed by the same device',
    expected('corrupted', range),
    () => caught(() => damage.replace(path, rival)),
  );

  await log.step('the object is deleted', expected('unavailable', range), () => caught(() => damage.remove(path)));

  await log.step('once it is restored, everything is intact', `${size} intact`, () => verify(dataset, 'possession'));
}

function offsetOf(front: SegmentFront, number: number): number {
  const offset = front.offsets[number];
  if (offset === undefined) throw new Error(`The segment has no block ${number}.`);
  return offset;
}

/** Two different blocks of the same size. */
function twinsOf(front: SegmentFront): [number, number] {
  const { blocks } = front.manifest;
  for (let first = 0; first < blocks.length; first++) {
    const second = blocks.findIndex(({ size }, number) => number > first && size === blocks[first]?.size);
    if (second > 0) return [first, second];
  }
  throw new Error('No two blocks of the segment have one size.');
}

/** What the device would have sealed a day earlier: other content, the same places in the log, its own signature. */
async function olderRival(dataset: DemoDataset, front: SegmentFront, original: Uint8Array): Promise<Uint8Array> {
  const provision = readProvision(dataset.provision);
  const dayMs = 86_400_000;
  const captured = front.manifest.blocks.map((_, number) => ({
    content: new TextEncoder().encode(`a reading of yesterday, number ${number}\n`),
    meta: { at: Date.now() - dayMs },
  }));
  const { dataset: id, charter, serial, datasetKey, chainId, dissc } = provision;
  const writer = {
    ...{ dataset: id, kind: charter.kind, serial, datasetKey },
    deviceKey: provision.devicePrivateKey,
    domain: { chainId, dissc },
  };
  const { segment } = sealBatch(nodePrimitives, writer, EMPTY_PEAKS, captured, nodePrimitives.randomBytes(16));
  if (segment.car.length === original.length) throw new Error('The rival is as long as the original by chance.');
  return segment.car;
}
