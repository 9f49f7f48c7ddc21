import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitPatience } from '../../client/owner/limit-patience.ts';
import { AnswerError, StoreUnavailableError } from '../../core/errors.ts';
import type { P2pfs } from '../../core/ports/p2pfs.ts';

test('a node that leaves 24 questions in a row unanswered is asked no more', async () => {
  let asked = 0;
  let answer: () => Promise<never> = () => Promise.reject(new StoreUnavailableError('Away.'));
  const ask = () => {
    asked++;
    return answer();
  };
  const patient = limitPatience({ nameBlock: ask, readFile: ask } as unknown as Pick<P2pfs, 'nameBlock' | 'readFile'>);
  const question = () => patient.readFile(...([] as unknown as Parameters<P2pfs['readFile']>));
  for (let i = 0; i < 23; i++) await assert.rejects(question(), /Away/);
  // An answer of any kind shows that the node is there.
  answer = () => Promise.reject(new AnswerError('Not what was asked for.'));
  await assert.rejects(question(), AnswerError);
  answer = () => Promise.reject(new StoreUnavailableError('Away.'));
  for (let i = 0; i < 24; i++) await assert.rejects(question(), /Away/);
  assert.equal(asked, 48);
  await assert.rejects(question(), /left 24 questions in a row unanswered/);
  assert.equal(asked, 48);
});
