import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listCharterKeys } from '../../client/owner/list-charter-keys.ts';
import { segmentKey } from '../../core/batch/segment-key.ts';
import { charterKey } from '../../core/charter/charter-file.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { ObjectLister } from '../../core/ports/object-store.ts';

const PAGE = 1000;

/** A bucket that counts the pages it is asked for. */
class CountedBucket implements ObjectLister {
  readonly #keys: readonly string[];
  pages = 0;

  constructor(keys: readonly string[]) {
    this.#keys = keys.toSorted();
  }

  async *list(prefix: string, _signal?: AbortSignal, after = ''): AsyncGenerator<string> {
    const keys = this.#keys.filter((key) => key.startsWith(prefix) && key > after);
    for (let at = 0; at === 0 || at < keys.length; at += PAGE) {
      this.pages += 1;
      yield* keys.slice(at, at + PAGE);
    }
  }
}

const dataset = (digit: string): DatasetId => `0x${digit.repeat(64)}` as DatasetId;
const segments = (digit: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => segmentKey(dataset(digit), i, new Uint8Array(32).fill(i % 256)));

async function listed(bucket: ObjectLister, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of listCharterKeys(bucket, prefix)) keys.push(key);
  return keys;
}

describe('finding charters in a bucket', () => {
  const charters = ['1', '5', 'a', 'f'].flatMap((digit) => [7, 12].map((serial) => charterKey(dataset(digit), serial)));

  it('finds each once, and reads a few pages a dataset, whatever lies in it', async () => {
    const bucket = new CountedBucket([
      ...charters,
      ...segments('1', 40_000),
      ...segments('5', 1000),
      ...segments('a', 1),
      ...segments('f', 20_000),
      ...Array.from({ length: 30_000 }, (_, i) => `rejected/${i}`),
      ...Array.from({ length: 5000 }, (_, i) => `${'1'.repeat(64)}/tile/${i}`),
      ...['at-the-top', 'zz', `${'0'.repeat(63)}/charter-1`, `${'1'.repeat(64)}/charter-007`],
    ]);
    assert.deepEqual((await listed(bucket)).sort(), charters.toSorted());
    assert.ok(bucket.pages <= 20, `${bucket.pages} pages of 97,000 keys`);
  });

  it('finds those of one dataset alone', async () => {
    const bucket = new CountedBucket([...charters, ...segments('5', 3000)]);
    assert.deepEqual(await listed(bucket, `${'5'.repeat(64)}/charter-`), charters.slice(2, 4).toSorted());
    assert.equal(bucket.pages, 1);
  });

  it('an empty bucket has none', async () => {
    assert.deepEqual(await listed(new CountedBucket([])), []);
  });
});
