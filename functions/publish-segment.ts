import middy from '@middy/core';
import { rawCid } from '../core/batch/manifest.ts';
import { manifestCid } from '../core/batch/manifest-cid.ts';
import { readSegment } from '../core/batch/read-segment.ts';
import { SegmentError, StoreUnavailableError } from '../core/errors.ts';
import type { DatasetId } from '../core/ids.ts';
import { MAX_SEGMENT_BYTES } from '../core/limits.ts';
import type { PublishSegmentResponse } from '../core/wire/requests.ts';
import { jsonAnswer } from './answer/answer.ts';
import { Problem } from './answer/problem.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf, ReadingPorts, ServicePorts } from './ports.ts';
import { locateBlocks } from './read/locate-blocks.ts';
import { admitParties } from './rights/admit-parties.ts';
import { publishSegmentRow as row } from './table.ts';

/**
 * Imports the batch of the log that begins with block `first` into IPFS as it is stored, and pins it (Table III: P2PFS).
 * Every CID is the SHA-256 it has in the segment. What is damaged is not imported; repeating it changes nothing.
 * @throws Problem when there is no such batch, its object is lost or damaged, or the service has no IPFS node
 */
export async function publishSegment(
  ports: Pick<ReadingPorts, 'primitives' | 'objects' | 'table'> & Pick<ServicePorts, 'p2pfs'>,
  input: { readonly dataset: DatasetId; readonly first: number },
  signal?: AbortSignal,
): Promise<PublishSegmentResponse> {
  const { dataset, first } = input;
  if (ports.p2pfs === null) {
    throw new Problem('/problems/no-ipfs', 'This service does not import into IPFS. Import the segment yourself.');
  }
  const segment = (await locateBlocks(ports.table, dataset, [first], signal)).batches[0]?.segment;
  if (segment?.first !== first) {
    throw new Problem('/problems/not-found', `No batch of the log begins with block ${first}.`);
  }
  const car = await ports.objects.read(segment.key, { start: 0, end: MAX_SEGMENT_BYTES + 1 }, signal);
  if (car === null) {
    throw new Problem('/problems/block-unavailable', `The object of the batch of block ${first} is missing.`);
  }
  // Checked whole before the node sees any of it: a node goes on looking for a missing block for ever.
  const { manifest } = readStored(ports, first, car);
  const { root } = await ports.p2pfs.importCar(car, signal);
  const expected = manifestCid(ports.primitives, manifest);
  if (root !== expected) throw new StoreUnavailableError(`The IPFS node returned the root ${root} for ${expected}.`);
  // A pin is the node's word; that it has everything, it can say without asking a peer.
  if (!(await ports.p2pfs.hasWhole(root, signal))) {
    throw new StoreUnavailableError(`The IPFS node has imported only a part of ${root}. Try again.`);
  }
  const blocks = manifest.blocks.map(({ sha256 }, number) => ({
    index: first + number,
    cid: rawCid(sha256).toString(),
  }));
  return { key: segment.key, root, blocks };
}

export const handlerFor = (ports: PortsOf<typeof row>) =>
  middy(async ({ params, signal }: Call<typeof row>) =>
    jsonAnswer(await publishSegment(ports, params, signal), row.response.status),
  ).use(httpMiddleware(ports, row, admitParties(ports, row)));

function readStored({ primitives }: Pick<ServicePorts, 'primitives'>, first: number, car: Uint8Array) {
  try {
    return readSegment(primitives, car);
  } catch (error) {
    if (!(error instanceof SegmentError)) throw error;
    throw new Problem('/problems/block-unavailable', `The batch of block ${first} is damaged: ${error.shortMessage}`);
  }
}
