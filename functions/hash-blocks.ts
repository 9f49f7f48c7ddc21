import middy from '@middy/core';
import type { DatasetId } from '../core/ids.ts';
import type { Answers, HashedBlock } from '../core/ports/css.ts';
import { encodeHashedBlocks } from '../core/wire/answers.ts';
import { answerAllowed, ruleRange } from './agreement/rule-blocks.ts';
import { dagCborAnswer } from './http/answer.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { ServicePorts } from './ports.ts';
import { lazyHandler } from './ports-from-env.ts';
import { answerBlocks } from './read/answer-blocks.ts';
import { hashListedBlocks } from './read/hash-listed-blocks.ts';
import type { Access } from './rights/access.ts';
import { httpRows } from './table.ts';

/**
 * Openings of blocks as they are stored now (Tables II and IV: the CSS-Y hashes on request): SHA-256 computed from the
 * stored bytes, the rest as the stored manifest says. Damage is answered with what is there, for the verifier to judge.
 * Hashes are no data: they do not count against what a consumer has paid for.
 */
export function hashBlocks(
  ports: Pick<ServicePorts, 'primitives' | 'objects' | 'table' | 'observer' | 'runtime'>,
  input: { readonly dataset: DatasetId; readonly blocks: readonly number[]; readonly access?: Access | null },
  signal?: AbortSignal,
): Promise<Answers<HashedBlock>> {
  const { dataset, blocks, access = null } = input;
  const ruling = access === null ? { allowed: blocks, refusals: [] } : ruleRange(access, blocks);
  return answerAllowed(blocks, ruling, (allowed) =>
    answerBlocks(
      ports,
      dataset,
      allowed,
      (objects, segment, listed) => hashListedBlocks({ ...ports, objects }, segment, listed, signal),
      signal,
    ),
  );
}

const row = httpRows['hash-blocks'];

export const handlerFor = (ports: ServicePorts) =>
  middy(async ({ params, body, access, signal }: Call<typeof row>) =>
    dagCborAnswer(encodeHashedBlocks(await hashBlocks(ports, { ...params, ...body, access }, signal))),
  ).use(httpMiddleware(ports, row));

export const handler = lazyHandler(row);
