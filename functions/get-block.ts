import middy from '@middy/core';
import type { DatasetId } from '../core/ids.ts';
import type { Fault } from '../core/ports/css.ts';
import { reserveBlocks } from './agreement/reserve-blocks.ts';
import type { Refusal } from './agreement/rule-blocks.ts';
import { bytesAnswer } from './answer/answer.ts';
import { Problem } from './answer/problem.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf, ReadingPorts } from './ports.ts';
import { answerBlocks, endsBefore, faultOf } from './read/answer-blocks.ts';
import type { Access } from './rights/access.ts';
import { type AdmittedReader, admitReaders } from './rights/admit-readers.ts';
import type { AgreementPorts } from './state/agreement-entry.ts';
import { AgreementTurns } from './state/agreement-turns.ts';
import { getBlockRow as row } from './table.ts';

export interface StoredBlock {
  readonly index: number;
  readonly block: Uint8Array;
  /** As the stored manifest lists it. */
  readonly meta: Uint8Array;
}

/** The stored bytes of one block, as they are now (Tables III and V); for a consumer, within what is paid for. */
export async function getBlock(
  ports: ReadingPorts & AgreementPorts,
  input: { readonly dataset: DatasetId; readonly index: number; readonly access?: Access | null },
  signal?: AbortSignal,
): Promise<StoredBlock | Fault | Refusal> {
  const { refusals } = await reserveBlocks(ports, input.access ?? null, [input.index], signal);
  if (refusals[0] !== undefined) return refusals[0];
  const { answers } = await answerBlocks<StoredBlock>(
    ports,
    input.dataset,
    [input.index],
    async (objects, segment, listed) =>
      Promise.all(
        listed.map(async (block) => {
          const { index, offset } = block;
          const bytes = await objects.read(segment.key, { start: offset, end: offset + block.listed.size }, signal);
          if (bytes === null) return faultOf(index, 'object missing');
          if (bytes.length < block.listed.size) return endsBefore(block, bytes.length);
          return { index, block: bytes, meta: block.listed.meta };
        }),
      ),
    signal,
  );
  return answers[0] ?? faultOf(input.index, 'not read');
}

export const handlerFor = (ports: PortsOf<typeof row>, turns = new AgreementTurns()) =>
  middy(async ({ params, access, signal }: Call<typeof row> & AdmittedReader) =>
    blockAnswer(await getBlock({ ...ports, turns }, { ...params, access }, signal)),
  ).use(httpMiddleware(ports, row, admitReaders(ports, row)));

function blockAnswer(found: StoredBlock | Fault | Refusal) {
  if ('kind' in found) {
    if ('problem' in found)
      throw new Problem(found.problem, `Block ${found.index}: ${found.reason}`, { index: found.index });
    const type = found.kind === 'unrecorded' ? '/problems/unrecorded' : '/problems/block-unavailable';
    throw new Problem(type, `Block ${found.index}: ${found.reason}`, { index: found.index });
  }
  return bytesAnswer(found.block, {
    'content-type': row.response.media,
    'plumbline-meta': Buffer.from(found.meta).toString('base64'),
  });
}
