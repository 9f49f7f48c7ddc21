import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { createKuboP2pfs } from '../../../adapters/ipfs/kubo-p2pfs.ts';
import { createS3ObjectStore } from '../../../adapters/s3/s3-object-store.ts';
import { objectIds, readSegmentFront } from '../../../core/batch/read-segment.ts';
import type { ObjectId } from '../../../core/ids.ts';
import type { BenchOwner } from '../parts/open-owner.ts';
import type { SizedDataset } from '../parts/record-sizes.ts';
import type { Parts } from '../parts/start-parts.ts';
import { type Figure, nameBytes, type Run } from '../report/figure.ts';

interface StoredBlock {
  readonly index: number;
  readonly object: ObjectId;
  readonly cid: string;
}

/** A place that blocks are had from. */
interface Source {
  readonly series: string;
  readonly retrieve: (block: StoredBlock) => Promise<number | undefined>;
}

/** Figure 6 of the paper: how long one block takes from S3, through the service and from IPFS, by its size. */
export async function retrieveByBlockSize(
  parts: Parts,
  owner: BenchOwner,
  sized: SizedDataset,
  repetitions: number,
  signal: AbortSignal,
): Promise<Figure> {
  const { stack, peerIpfsUrl } = parts;
  const { dataset } = sized.dataset.writer;
  const credentials = { accessKeyId: stack.s3AccessKey, secretAccessKey: stack.s3SecretKey };
  const bucket = createS3ObjectStore({
    region: 'us-east-1',
    bucket: stack.bucket,
    endpoint: stack.s3Endpoint,
    credentials,
  });
  const node = createKuboP2pfs({ apiUrl: stack.ipfsApiUrl as string });
  const peer = peerIpfsUrl === null ? null : createKuboP2pfs({ apiUrl: peerIpfsUrl });
  const sources: Source[] = [
    {
      series: 'S3, ranged GET',
      retrieve: async ({ object: { key, offset, size } }) =>
        (await bucket.read(key, { start: offset, end: offset + size }, signal))?.length,
    },
    {
      series: 'get-block',
      async retrieve({ index }) {
        const got = await owner.service.getBlock(dataset, index, signal);
        return 'block' in got ? got.block.length : undefined;
      },
    },
    {
      series: 'IPFS, from the node that has it',
      retrieve: async ({ cid, object }) => (await node.readFile(cid, object.size, signal))?.length,
    },
  ];
  if (peer !== null) {
    sources.push({
      series: 'IPFS, from another peer',
      // Kept once fetched: each block is asked for one time.
      retrieve: async ({ cid, object }) => (await peer.readFile(cid, object.size, signal))?.length,
    });
  }
  const runs: Run[] = [];
  try {
    const stored = await publishAll(owner, sized, signal);
    for (let round = 0; round < repetitions + 1; round++) {
      for (const [number, { blockBytes }] of sized.batches.entries()) {
        const block = stored[number]?.[round];
        if (block === undefined) continue;
        for (const { series, retrieve } of sources) {
          signal.throwIfAborted();
          const began = performance.now();
          const bytes = await retrieve(block);
          const ms = performance.now() - began;
          if (bytes !== blockBytes) throw new Error(`${series} gave ${bytes} bytes of block ${block.index}.`);
          // The first round opens the connections.
          if (round > 0) runs.push({ series, x: blockBytes, y: ms });
        }
      }
    }
  } finally {
    bucket.close();
    node.close();
    peer?.close();
  }
  return {
    name: 'figure-6-retrieval',
    title: 'Figure 6: retrieval of one block, by its size',
    x: { label: 'size of a stored block', scale: 'log2', name: nameBytes },
    y: { label: 'time (ms)', scale: 'log10' },
    ...{ xColumn: 'block_bytes', yColumn: 'ms', runs },
    notes: [
      'One block at a time, each asked for once; IPFS by cat. get-block checks the caller’s signature and right.',
    ],
  };
}

/** Imports every batch into IPFS; answers where each block is, batch by batch. */
async function publishAll(owner: BenchOwner, sized: SizedDataset, signal: AbortSignal): Promise<StoredBlock[][]> {
  const all: StoredBlock[][] = [];
  for (const { first, sealed } of sized.batches) {
    const { blocks } = await owner.service.publishSegment(sized.dataset.writer.dataset, first, signal);
    const { key, car } = sealed.segment;
    const objects = objectIds(readSegmentFront(nodePrimitives, car), key);
    all.push(blocks.map(({ index, cid }) => ({ index, cid, object: objects[index - first] as ObjectId })));
  }
  return all;
}
