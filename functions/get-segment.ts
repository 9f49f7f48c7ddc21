import middy from '@middy/core';
import type { DatasetId } from '../core/ids.ts';
import type { GetSegmentResponse } from '../core/wire/requests.ts';
import { requireWholeBatch } from './agreement/reserve-blocks.ts';
import { jsonAnswer } from './http/answer.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import { Problem } from './http/problem.ts';
import type { ServicePorts } from './ports.ts';
import { lazyHandler } from './ports-from-env.ts';
import { locateBlocks } from './read/locate-blocks.ts';
import type { Access } from './rights/access.ts';
import type { AgreementPorts } from './state/agreement-entry.ts';
import { AgreementTurns } from './state/agreement-turns.ts';
import { httpRows } from './table.ts';

/** Design §6: long enough to begin, too short to pass on. */
const EXPIRES_SECONDS = 15;

/**
 * An address for fetching the whole segment of the log's batch that begins with block `first`.
 * @throws Problem when no batch of the log begins there, its object is lost, or the caller may not have all of it
 */
export async function getSegment(
  ports: Pick<ServicePorts, 'objects'> & AgreementPorts,
  input: { readonly dataset: DatasetId; readonly first: number; readonly access?: Access | null },
  signal?: AbortSignal,
): Promise<GetSegmentResponse> {
  const { dataset, first } = input;
  const segment = (await locateBlocks(ports.table, dataset, [first], signal)).batches[0]?.segment;
  if (segment?.first !== first) {
    throw new Problem('/problems/not-found', `No batch of the log begins with block ${first}.`);
  }
  await requireWholeBatch(ports, input.access ?? null, segment, signal);
  if (segment.lostAtMs !== undefined) {
    throw new Problem('/problems/block-unavailable', `The object of the batch of block ${first} is missing.`);
  }
  const get = await ports.objects.presignGet(segment.key, EXPIRES_SECONDS);
  return { key: segment.key, get: { ...get, headers: { ...get.headers } }, sizeBytes: segment.sizeBytes };
}

const row = httpRows['get-segment'];

export const handlerFor = (ports: ServicePorts, turns = new AgreementTurns()) =>
  middy(async ({ params, access, signal }: Call<typeof row>) =>
    jsonAnswer(await getSegment({ ...ports, turns }, { ...params, access }, signal)),
  ).use(httpMiddleware(ports, row));

export const handler = lazyHandler(row);
