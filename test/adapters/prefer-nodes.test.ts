import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerTooLongError } from '../../adapters/ethereum/post-request.ts';
import { preferNodes } from '../../adapters/ethereum/prefer-nodes.ts';
import { RpcRefusedError } from '../../adapters/ethereum/read-rpc-answer.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';

function nodes(count: number) {
  const clock = { nowMs: 0 };
  const down = new Set<number>();
  const asked: number[] = [];
  const ask = preferNodes(count, () => clock.nowMs);
  const call = (signal?: AbortSignal) =>
    ask(async (node) => {
      asked.push(node);
      if (down.has(node)) throw new LedgerUnavailableError(`node ${node} is away`);
      return node;
    }, signal);
  return { clock, down, asked, call, ask };
}

test('the preferred node is asked, and another only while it is away', async () => {
  const { clock, down, asked, call } = nodes(3);
  assert.equal(await call(), 0);
  down.add(0);
  assert.equal(await call(), 1);
  asked.length = 0;
  assert.equal(await call(), 1);
  assert.deepEqual(asked, [1], 'one that is known to be away is left alone');
  down.delete(0);
  clock.nowMs += 60_001;
  assert.equal(await call(), 0, 'after a minute it is preferred again');
});

test('where all are known to be away, all are asked, and the preferred one is named', async () => {
  const { down, asked, call } = nodes(2);
  down.add(0).add(1);
  await assert.rejects(call(), { message: 'node 0 is away' });
  down.delete(1);
  asked.length = 0;
  assert.equal(await call(), 1);
  assert.deepEqual(asked, [0, 1]);
});

test('a refusal and an answer that is too long are answers: no other node is asked', async () => {
  for (const error of [new RpcRefusedError('eth_call', 3, 'reverted', null), new AnswerTooLongError('too long')]) {
    const { ask } = nodes(2);
    const asked: number[] = [];
    const refused = ask(async (node) => {
      asked.push(node);
      throw error;
    });
    await assert.rejects(refused, error);
    assert.deepEqual(asked, [0]);
  }
});

test('whoever gives up waits for no other node', async () => {
  const { ask } = nodes(2);
  const giveUp = new AbortController();
  const asked: number[] = [];
  const given = ask(async (node) => {
    asked.push(node);
    giveUp.abort();
    throw new LedgerUnavailableError('away');
  }, giveUp.signal);
  await assert.rejects(given, { name: 'AbortError' });
  assert.deepEqual(asked, [0]);
});
