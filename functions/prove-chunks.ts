import middy from '@middy/core';
import type { DatasetId } from '../core/ids.ts';
import type { Answers, ProvenChunk } from '../core/ports/css.ts';
import { encodeProvenChunks } from '../core/wire/answers.ts';
import { reserveBlocks } from './agreement/reserve-blocks.ts';
import { answerAllowed } from './agreement/rule-blocks.ts';
import { dagCborAnswer } from './http/answer.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { ServicePorts } from './ports.ts';
import { lazyHandler } from './ports-from-env.ts';
import { answerBlocks } from './read/answer-blocks.ts';
import { proveListedBlocks } from './read/prove-listed-blocks.ts';
import type { Access } from './rights/access.ts';
import type { AgreementPorts } from './state/agreement-entry.ts';
import { AgreementTurns } from './state/agreement-turns.ts';
import { httpRows } from './table.ts';

/**
 * Chunk `random mod n` of each challenged block with its path in the block's chunk tree, all from the bytes stored now:
 * who has kept only hashes cannot answer. A chunk is data: for a consumer, every distinct block counts (design §6).
 */
export async function proveChunks(
  ports: Pick<ServicePorts, 'primitives' | 'objects' | 'table' | 'observer' | 'runtime'> & AgreementPorts,
  input: {
    readonly dataset: DatasetId;
    readonly challenges: readonly { index: number; random: number }[];
    readonly access?: Access | null;
  },
  signal?: AbortSignal,
): Promise<Answers<ProvenChunk>> {
  const randoms = new Map(input.challenges.map(({ index, random }) => [index, random]));
  const randomOf = (index: number) => randoms.get(index) as number;
  const blocks = [...randoms.keys()];
  const ruling = await reserveBlocks(ports, input.access ?? null, blocks, signal);
  return answerAllowed(blocks, ruling, (allowed) =>
    answerBlocks(
      ports,
      input.dataset,
      allowed,
      (objects, segment, listed) => proveListedBlocks({ ...ports, objects }, segment, listed, randomOf, signal),
      signal,
    ),
  );
}

const row = httpRows['prove-chunks'];

export const handlerFor = (ports: ServicePorts, turns = new AgreementTurns()) =>
  middy(async ({ params, body, access, signal }: Call<typeof row>) =>
    dagCborAnswer(encodeProvenChunks(await proveChunks({ ...ports, turns }, { ...params, ...body, access }, signal))),
  ).use(httpMiddleware(ports, row));

export const handler = lazyHandler(row);
