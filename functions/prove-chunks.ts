import middy from '@middy/core';
import type { DatasetId } from '../core/ids.ts';
import type { Answers, ProvenChunk } from '../core/ports/css.ts';
import { encodeProvenChunks } from '../core/wire/answers.ts';
import { reserveBlocks } from './agreement/reserve-blocks.ts';
import { answerAllowed } from './agreement/rule-blocks.ts';
import { dagCborAnswer } from './answer/answer.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf, ReadingPorts } from './ports.ts';
import { answerBlocks } from './read/answer-blocks.ts';
import { proveListedBlocks } from './read/prove-listed-blocks.ts';
import type { Access } from './rights/access.ts';
import { type AdmittedReader, admitReaders } from './rights/admit-readers.ts';
import type { AgreementPorts } from './state/agreement-entry.ts';
import { AgreementTurns } from './state/agreement-turns.ts';
import { proveChunksRow as row } from './table.ts';

/**
 * Chunk `random mod n` of each challenged block with its path in the block's chunk tree, all from the bytes stored now:
 * who has kept only hashes cannot answer. A chunk is data: for a consumer, every distinct block counts
 * (specification#rights).
 */
export async function proveChunks(
  ports: ReadingPorts & AgreementPorts,
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

export const handlerFor = (ports: PortsOf<typeof row>, turns = new AgreementTurns()) =>
  middy(async ({ params, body, access, signal }: Call<typeof row> & AdmittedReader) =>
    dagCborAnswer(encodeProvenChunks(await proveChunks({ ...ports, turns }, { ...params, ...body, access }, signal))),
  ).use(httpMiddleware(ports, row, admitReaders(ports, row)));
