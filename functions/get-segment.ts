import middy from '@middy/core';
import type { DatasetId } from '../core/ids.ts';
import type { ObjectStore } from '../core/ports/object-store.ts';
import type { GetSegmentResponse } from '../core/wire/requests.ts';
import { requireWholeBatch } from './agreement/reserve-blocks.ts';
import { jsonAnswer } from './answer/answer.ts';
import { Problem } from './answer/problem.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf } from './ports.ts';
import { locateBlocks } from './read/locate-blocks.ts';
import type { Access } from './rights/access.ts';
import { type AdmittedReader, admitReaders } from './rights/admit-readers.ts';
import type { AgreementPorts } from './state/agreement-entry.ts';
import { AgreementTurns } from './state/agreement-turns.ts';
import { getSegmentRow as row } from './table.ts';

/**
 * An address for fetching the whole segment of the log's batch that begins with block `first`.
 * @throws Problem when no batch of the log begins there, its object is lost, or the caller may not have all of it
 */
export async function getSegment(
  ports: AgreementPorts & { readonly objects: Pick<ObjectStore, 'presignGet'> },
  input: { readonly dataset: DatasetId; readonly first: number; readonly access?: Access | null },
  signal?: AbortSignal,
): Promise<GetSegmentResponse> {
  const { dataset, first } = input;
  const segment = (await locateBlocks(ports.table, dataset, [first], signal)).batches[0]?.segment;
  if (segment?.first !== first) {
    throw new Problem('/problems/not-found', `The log has no batch that begins with block ${first}.`);
  }
  await requireWholeBatch(ports, input.access ?? null, segment, signal);
  if (segment.lostAtMs !== undefined) {
    throw new Problem('/problems/block-unavailable', `The object of the batch of block ${first} is missing.`);
  }
  const get = await ports.objects.presignGet(segment.key, row.limits.presignedSeconds);
  return { key: segment.key, get: { ...get, headers: { ...get.headers } }, sizeBytes: segment.sizeBytes };
}

export const handlerFor = (ports: PortsOf<typeof row>, turns = new AgreementTurns()) =>
  middy(async ({ params, access, signal }: Call<typeof row> & AdmittedReader) =>
    jsonAnswer(await getSegment({ ...ports, turns }, { ...params, access }, signal)),
  ).use(httpMiddleware(ports, row, admitReaders(ports, row)));
