import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { assertRefused, type Bench, BODY, flipBit, sha256 } from './bench.ts';
import { fromUrl, sendWire } from './signed-request.ts';

export function bindPresigned(bench: Bench): void {
  describe('presigned URLs', () => {
    // The options that bind a PUT to key, length, type, content and first writer.
    const headersOf = (body: Uint8Array) => ({
      'content-length': String(body.length),
      'content-type': 'application/vnd.ipld.car',
      'x-amz-checksum-sha256': sha256(body),
      'if-none-match': '*',
    });
    const presignPut = (key: string, options: { expiresIn?: number; signingDate?: Date } = {}) =>
      getSignedUrl(
        bench.client,
        new PutObjectCommand({
          Bucket: bench.store.bucket,
          Key: key,
          ChecksumSHA256: sha256(BODY),
          ContentLength: BODY.length,
          ContentType: 'application/vnd.ipld.car',
          IfNoneMatch: '*',
        }),
        {
          expiresIn: 900,
          unhoistableHeaders: new Set(['x-amz-checksum-sha256', 'if-none-match']),
          signableHeaders: new Set([
            'host',
            'content-length',
            'content-type',
            'x-amz-checksum-sha256',
            'if-none-match',
          ]),
          ...options,
        },
      );
    const refusesPut = async (
      alter: (headers: Record<string, string>) => Record<string, string>,
      body: Uint8Array,
      statuses: number[],
    ) => {
      const key = bench.newKey();
      const url = await presignPut(key);
      assertRefused(await sendWire(bench.store, fromUrl('PUT', url, alter(headersOf(BODY)), body)), statuses);
      await bench.assertAbsent(key);
    };

    it('store the very body they were made for, once', async () => {
      const key = bench.newKey();
      const wire = fromUrl('PUT', await presignPut(key), headersOf(BODY), BODY);
      assert.equal((await sendWire(bench.store, wire)).status, 200);
      assert.deepEqual(await bench.read(key), BODY);
      assertRefused(await sendWire(bench.store, wire), [412]);
    });
    it('can be used with fetch', async () => {
      const key = bench.newKey();
      const { 'content-length': _, ...headers } = headersOf(BODY);
      const answer = await fetch(await presignPut(key), { method: 'PUT', headers, body: BODY });
      assert.equal(answer.status, 200, await answer.text());
      assert.deepEqual(await bench.read(key), BODY);
    });
    it('refuse a body of the same length and other content', () =>
      refusesPut((headers) => headers, flipBit(BODY), [400]));
    it('refuse a body of other length', async () => {
      const longer = Buffer.concat([BODY, BODY]);
      await refusesPut((headers) => ({ ...headers, 'content-length': String(longer.length) }), longer, [400, 403]);
    });
    it('refuse other content with its own checksum', () => {
      const other = flipBit(BODY);
      return refusesPut(() => headersOf(other), other, [403]);
    });
    for (const name of ['x-amz-checksum-sha256', 'if-none-match', 'content-type']) {
      it(`refuse to go without ${name}`, () => refusesPut(({ [name]: _, ...headers }) => headers, BODY, [400, 403]));
    }
    it('refuse another content type', () =>
      refusesPut((headers) => ({ ...headers, 'content-type': 'text/html' }), BODY, [403]));
    it('refuse an x-amz header that was not signed', () =>
      refusesPut((headers) => ({ ...headers, 'x-amz-meta-a': 'b' }), BODY, [400, 403]));
    it('refuse another key, method, expiry or signature', async () => {
      const key = bench.newKey();
      const url = await presignPut(key);
      const last = url.indexOf('X-Amz-Signature=') + 'X-Amz-Signature='.length;
      const digit = url[last] === '0' ? '1' : '0';
      const altered = [
        fromUrl('PUT', url.replace('/case/', '/cast/'), headersOf(BODY), BODY),
        fromUrl('PUT', url.replace('Expires=900', 'Expires=901'), headersOf(BODY), BODY),
        fromUrl('PUT', url.slice(0, last) + digit + url.slice(last + 1), headersOf(BODY), BODY),
        fromUrl('GET', url, { 'content-type': 'application/vnd.ipld.car' }),
      ];
      for (const wire of altered) assertRefused(await sendWire(bench.store, wire), [400, 403]);
      await bench.assertAbsent(key);
    });
    it(`refuse to work after they expired, and ${bench.behaviour.refusesFuturePresigned ? 'also' : 'not'} long before`, async () => {
      const key = bench.newKey();
      const sendSignedAt = async (offsetMs: number, at = key) => {
        const url = await presignPut(at, { signingDate: new Date(Date.now() + offsetMs) });
        return sendWire(bench.store, fromUrl('PUT', url, headersOf(BODY), BODY));
      };
      assertRefused(await sendSignedAt(-902_000), [400, 403]);
      await bench.assertAbsent(key);
      assert.equal((await sendSignedAt(-840_000)).status, 200);
      const early = await sendSignedAt(3_600_000, bench.newKey());
      assert.equal(early.status, bench.behaviour.refusesFuturePresigned ? 403 : 200);
    });
    it('read an object, and a range of it, and not another', async () => {
      const key = bench.newKey();
      await bench.put(key);
      const url = await getSignedUrl(bench.client, new GetObjectCommand({ Bucket: bench.store.bucket, Key: key }), {
        expiresIn: 15,
      });
      assert.deepEqual((await sendWire(bench.store, fromUrl('GET', url))).body, BODY);
      const part = await sendWire(bench.store, fromUrl('GET', url, { range: 'bytes=2-8' }));
      assert.deepEqual([part.status, part.body.toString()], [206, 'segment']);
      assertRefused(await sendWire(bench.store, fromUrl('GET', url.replace('.car?', '.cax?'))), [403]);
    });
    it(`${bench.behaviour.refusesHoistedChecksum ? 'refuse' : 'ignore'} a checksum hoisted into the query`, async () => {
      const key = bench.newKey();
      const url = await getSignedUrl(
        bench.client,
        bench.putCommand(key, { ChecksumSHA256: sha256(BODY), ContentLength: BODY.length }),
      );
      assert.match(url, /x-amz-checksum-sha256=/i);
      const headers = { 'content-length': String(BODY.length) };
      const answer = await sendWire(bench.store, fromUrl('PUT', url, headers, flipBit(BODY)));
      assert.equal(answer.status, bench.behaviour.refusesHoistedChecksum ? 400 : 200);
    });
  });
}
