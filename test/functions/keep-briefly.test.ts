import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { keepBriefly } from '../../functions/rights/keep-briefly.ts';

/** A reader that is kept briefly, of which a test says what it finds and when. */
function setUp() {
  const clock = { nowMs: 0 };
  const asked: string[] = [];
  let find = async (key: string): Promise<string> => key;
  const read = keepBriefly<string, string>(
    (key) => {
      asked.push(key);
      return find(key);
    },
    { nowMs: () => clock.nowMs },
  );
  return {
    ...{ clock, asked },
    finds(next: (key: string) => Promise<string>) {
      find = next;
    },
    letIn: (key: string) => read(key, () => true),
    keepOut: (key: string) => read(key, () => false),
  };
}

describe('a right that is kept', () => {
  test('counts for 15 s when it lets in, for 1 s when it keeps out', async () => {
    const { clock, asked, letIn, keepOut } = setUp();
    await letIn('a');
    for (const [nowMs, ask, times] of [
      [999, keepOut, 1],
      [14_999, letIn, 1],
      [15_000, letIn, 2],
      [16_000, keepOut, 3],
    ] as const) {
      clock.nowMs = nowMs;
      await ask('a');
      assert.equal(asked.length, times, `at ${nowMs}`);
    }
  });

  test('is as old as its question, however long the chain takes to answer', async () => {
    const { clock, asked, finds, letIn } = setUp();
    const slow = Promise.withResolvers<string>();
    finds(() => slow.promise);
    const first = letIn('a');
    clock.nowMs = 14_000;
    slow.resolve('yes');
    await first;
    clock.nowMs = 15_000;
    await letIn('a');
    assert.equal(asked.length, 2);
  });

  test('is asked for anew when the clock goes back', async () => {
    const { clock, asked, letIn } = setUp();
    clock.nowMs = 60_000;
    await letIn('a');
    clock.nowMs = 59_999;
    await letIn('a');
    assert.equal(asked.length, 2);
  });

  test('is not kept where the question failed', async () => {
    const { asked, finds, letIn } = setUp();
    finds(() => Promise.reject(new Error('no chain')));
    await assert.rejects(letIn('a'), /no chain/);
    finds(async () => 'yes');
    assert.equal(await letIn('a'), 'yes');
    assert.equal(asked.length, 2);
  });

  test('is one of 10,000: the oldest goes, so that strangers cannot fill the memory', async () => {
    const { asked, letIn } = setUp();
    for (let i = 0; i <= 10_000; i++) await letIn(`${i}`);
    asked.length = 0;
    await letIn('1');
    await letIn('10000');
    assert.deepEqual(asked, []);
    await letIn('0');
    assert.deepEqual(asked, ['0']);
  });
});
