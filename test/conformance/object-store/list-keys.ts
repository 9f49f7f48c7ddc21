import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { type Bench, inParallel } from './bench.ts';

export function listKeys(bench: Bench): void {
  describe('listing', () => {
    const list = async (more: ConstructorParameters<typeof ListObjectsV2Command>[0] | object) =>
      bench.client.send(new ListObjectsV2Command({ Bucket: bench.store.bucket, ...more }));

    it('gives 1,234 keys in pages, each once, in binary order', async () => {
      const keys = Array.from({ length: 1234 }, (_, at) => `many/${at % 7}/${at}`);
      await inParallel(keys, 16, (key) => bench.put(key, { Body: 'x' }));
      const pages: string[][] = [];
      let token: string | undefined;
      do {
        const page = await list({ Prefix: 'many/', ContinuationToken: token });
        pages.push(page.Contents!.map((entry) => entry.Key!));
        assert.equal(page.KeyCount, pages.at(-1)!.length);
        token = page.NextContinuationToken;
        assert.equal(page.IsTruncated, token !== undefined);
      } while (token !== undefined);
      assert.deepEqual(
        pages.map((page) => page.length),
        [1000, 234],
      );
      assert.deepEqual(pages.flat(), keys.toSorted());
    });

    it('folds at a delimiter, across pages', async () => {
      const folder = bench.newKey();
      const names = ['a', 'b/1', 'b/2', 'b/c/3', 'd', 'e/1', 'f'];
      for (const name of names) await bench.put(`${folder}/${name}`);
      const seen: string[] = [];
      let token: string | undefined;
      do {
        const page = await list({ Prefix: `${folder}/`, Delimiter: '/', MaxKeys: 2, ContinuationToken: token });
        assert.ok(page.KeyCount! <= 2);
        const keys = (page.Contents ?? []).map((entry) => entry.Key!);
        const prefixes = (page.CommonPrefixes ?? []).map((entry) => entry.Prefix!);
        seen.push(...[...keys, ...prefixes].toSorted());
        token = page.NextContinuationToken;
      } while (token !== undefined);
      assert.deepEqual(
        seen,
        ['a', 'b/', 'd', 'e/', 'f'].map((name) => `${folder}/${name}`),
      );
    });

    it('starts after a key, there or not, and ends at a prefix', async () => {
      const folder = bench.newKey();
      for (const name of ['1', '2', '3', '4']) await bench.put(`${folder}/${name}`);
      const names = async (StartAfter: string) =>
        ((await list({ Prefix: `${folder}/`, StartAfter: `${folder}/${StartAfter}` })).Contents ?? []).map((entry) =>
          entry.Key!.slice(-1),
        );
      assert.deepEqual(await names('2'), ['3', '4']);
      assert.deepEqual(await names('25'), ['3', '4']);
      assert.deepEqual(await names('4'), []);
      const [only, ...others] = (await list({ Prefix: `${folder}/3` })).Contents ?? [];
      assert.deepEqual(others, []);
      // How young an object is decides whether its event is still to come.
      const ageMs = Date.now() - (only?.LastModified?.getTime() ?? 0);
      assert.ok(Math.abs(ageMs) < 600_000, `${ageMs} ms`);
      assert.equal((await list({ Prefix: 'no such prefix' })).KeyCount, 0);
    });

    it('orders keys by their UTF-8 bytes, also where UTF-16 would not', async () => {
      const folder = bench.newKey();
      const names = ['a', 'a-b', 'a.b', 'a/b', 'a0', 'B', 'é', '\uff5e', '😀'];
      for (const name of names) if (name !== 'a') await bench.put(`${folder}/${name}`);
      const expected = names
        .filter((name) => name !== 'a')
        .toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
      assert.deepEqual(
        (await list({ Prefix: `${folder}/` })).Contents!.map((entry) => entry.Key!.slice(folder.length + 1)),
        expected,
      );
    });
  });
}
