import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { fromUrl, makeClient, sendWire, signCommand, type WireRequest, type WireResponse } from './signed-request.ts';
import type { ObjectStoreTarget, RunningObjectStore } from './target.ts';

const BODY = Buffer.from('a segment of 25 bytes, ok');

/** Registers the tests that every object store of ours passes, embedded or real. */
export function objectStoreSuite(target: ObjectStoreTarget): void {
  describe(`object store: ${target.name}`, { timeout: 180_000 }, () => {
    let store: RunningObjectStore;
    let client: S3Client;
    let serial = 0;
    before(async () => {
      store = await target.start();
      client = makeClient(store);
    });
    after(async () => {
      client?.destroy();
      await store?.stop();
    });

    const newKey = () => `case/${serial++}/${randomBytes(4).toString('hex')}.car`;
    const putCommand = (key: string, more: Partial<PutObjectCommandInput> = {}) =>
      new PutObjectCommand({ Bucket: store.bucket, Key: key, Body: BODY, ...more });
    const put = (key: string, more: Partial<PutObjectCommandInput> = {}) => client.send(putCommand(key, more));
    const get = async (key: string, more: Partial<GetObjectCommandInput> = {}) =>
      client.send(new GetObjectCommand({ Bucket: store.bucket, Key: key, ...more }));
    const read = async (key: string) => Buffer.from(await (await get(key)).Body!.transformToByteArray());
    const assertAbsent = (key: string) => assert.rejects(get(key), { name: 'NoSuchKey' });
    const assertRefused = (response: WireResponse, statuses: number[]) =>
      assert.ok(statuses.includes(response.status), `status ${response.status} ${response.code}; expected ${statuses}`);

    /** Signs a PUT of BODY, alters it, and asserts that it is refused and nothing is kept. */
    const refusesAltered = async (
      alter: (wire: WireRequest) => WireRequest,
      statuses: number[],
      sign: { more?: Partial<PutObjectCommandInput>; options?: Parameters<typeof signCommand>[2] } = {},
    ) => {
      const key = newKey();
      const wire = await signCommand(store, putCommand(key, sign.more), sign.options);
      assertRefused(await sendWire(store, alter(wire)), statuses);
      await assertAbsent(key);
    };
    const withHeaders = (headers: Record<string, string>) => (wire: WireRequest) => ({
      ...wire,
      headers: { ...wire.headers, ...headers },
    });
    const withBody = (body: Uint8Array) => (wire: WireRequest) => ({
      ...wire,
      body,
      headers: { ...wire.headers, 'content-length': String(body.length) },
    });

    describe('objects', () => {
      it('gives back bytes, length, type, metadata and an entity tag', async () => {
        const key = newKey();
        const stored = await put(key, { ContentType: 'application/vnd.ipld.car', Metadata: { dataset: 'ab' } });
        const found = await get(key);
        assert.deepEqual(Buffer.from(await found.Body!.transformToByteArray()), BODY);
        assert.equal(found.ContentLength, BODY.length);
        assert.equal(found.ContentType, 'application/vnd.ipld.car');
        assert.deepEqual(found.Metadata, { dataset: 'ab' });
        assert.equal(found.ETag, `"${md5(BODY)}"`);
        assert.equal(found.ETag, stored.ETag);
        const head = await client.send(new HeadObjectCommand({ Bucket: store.bucket, Key: key }));
        assert.equal(head.ContentLength, BODY.length);
        assert.equal(head.ETag, stored.ETag);
      });

      it('keeps an empty object and one of 5 MiB', async () => {
        for (const body of [Buffer.alloc(0), randomBytes(5 * 1024 * 1024)]) {
          const key = newKey();
          await put(key, { Body: body });
          assert.ok((await read(key)).equals(body));
        }
      });

      it('keeps keys with spaces, other scripts and reserved characters', async () => {
        for (const name of ['a b', 'ü€😀', "!*'()&=+,;:@$", '~.-_', 'a%2Fb', '%', '[x]?#', '"<>|\\^`{}']) {
          const key = `${newKey()}/${name}`;
          await put(key);
          assert.deepEqual(await read(key), BODY, name);
          const listed = await client.send(new ListObjectsV2Command({ Bucket: store.bucket, Prefix: key }));
          assert.deepEqual(
            listed.Contents?.map((entry) => entry.Key),
            [key],
          );
        }
      });

      it('overwrites, deletes, and deletes what is not there', async () => {
        const key = newKey();
        await put(key);
        await put(key, { Body: 'new' });
        assert.equal((await read(key)).toString(), 'new');
        await client.send(new DeleteObjectCommand({ Bucket: store.bucket, Key: key }));
        await assertAbsent(key);
        await client.send(new DeleteObjectCommand({ Bucket: store.bucket, Key: key }));
      });

      it('knows its bucket and no other', async () => {
        await client.send(new HeadBucketCommand({ Bucket: store.bucket }));
        await assert.rejects(client.send(new HeadBucketCommand({ Bucket: 'no-such-bucket' })), { name: 'NotFound' });
        await assert.rejects(client.send(new GetObjectCommand({ Bucket: 'no-such-bucket', Key: 'a' })), {
          name: 'NoSuchBucket',
        });
      });
    });

    describe('checksums and lengths', () => {
      it('takes a right SHA-256, CRC-32 and MD5, and gives the SHA-256 back when asked', async () => {
        const key = newKey();
        await put(key, { ChecksumSHA256: sha256(BODY), ContentMD5: md5(BODY, 'base64') });
        assert.equal((await get(key, { ChecksumMode: 'ENABLED' })).ChecksumSHA256, sha256(BODY));
        const withCrc = makeClient(store, { requestChecksumCalculation: 'WHEN_SUPPORTED' });
        await withCrc.send(putCommand(newKey()));
        withCrc.destroy();
      });

      it('refuses a body whose SHA-256 is another', () =>
        refusesAltered((wire) => wire, [400], { more: { ChecksumSHA256: sha256(Buffer.from('other')) } }));
      it('refuses a body whose MD5 is another', () =>
        refusesAltered((wire) => wire, [400], { more: { ContentMD5: md5(Buffer.from('other'), 'base64') } }));
      it('refuses a body whose CRC-32 is another', () =>
        refusesAltered((wire) => wire, [400], { more: { ChecksumCRC32: 'AAAAAA==' } }));
      it('refuses a checksum that is none', () =>
        refusesAltered((wire) => wire, [400], { options: { headers: { 'x-amz-checksum-sha256': 'AAAA' } } }));
      it('refuses a body with one bit flipped after signing', () =>
        refusesAltered((wire) => ({ ...wire, body: flipBit(wire.body) }), [400, 403]));
      it('refuses a body one byte shorter or longer than the signed one', async () => {
        await refusesAltered(withBody(BODY.subarray(1)), [400, 403]);
        await refusesAltered(withBody(Buffer.concat([BODY, BODY.subarray(0, 1)])), [400, 403]);
      });
      it('refuses a body without Content-Length', () =>
        refusesAltered(
          (wire) => {
            const { 'content-length': _, ...headers } = wire.headers;
            return { ...wire, headers: { ...headers, 'transfer-encoding': 'chunked' } };
          },
          [400, 403, 411, 501],
        ));

      it('keeps nothing of a body that breaks off before its Content-Length', async () => {
        const key = newKey();
        const wire = await signCommand(store, putCommand(key, { Body: randomBytes(100_000) }));
        await sendBytes(store, Buffer.concat([requestHead(wire), wire.body.subarray(0, 99_999)]));
        await assertAbsent(key);
      });

      it('does not take bytes behind Content-Length into the object', async () => {
        const key = newKey();
        const wire = await signCommand(store, putCommand(key));
        await sendBytes(store, Buffer.concat([requestHead(wire), wire.body, Buffer.from('and more')]));
        const kept = await read(key).catch(() => BODY);
        assert.deepEqual(kept, BODY);
      });

      it('refuses Content-Length that is no number, negative or given twice', async () => {
        for (const bad of ['x', '-1', '25\r\ncontent-length: 26', '0x19', '25, 25']) {
          const key = newKey();
          const wire = await signCommand(store, putCommand(key));
          const headers = { ...wire.headers, 'content-length': bad };
          const answer = await sendBytes(store, Buffer.concat([requestHead({ ...wire, headers }), wire.body]));
          assert.doesNotMatch(answer, /^HTTP\/1.1 2/, bad);
          await assertAbsent(key);
        }
      });
    });

    describe('signatures in the header', () => {
      const alterAuthorization = (from: RegExp, to: string) => (wire: WireRequest) => {
        const authorization = wire.headers.authorization!.replace(from, to);
        assert.notEqual(authorization, wire.headers.authorization);
        return { ...wire, headers: { ...wire.headers, authorization } };
      };
      it('refuses a request without one', () =>
        refusesAltered(
          (wire) => {
            const { authorization: _, ...headers } = wire.headers;
            return { ...wire, headers };
          },
          [400, 401, 403],
        ));
      it('refuses an altered one', () =>
        refusesAltered(
          (wire) => alterAuthorization(/.$/, wire.headers.authorization!.endsWith('0') ? '1' : '0')(wire),
          [403],
        ));
      it('refuses another secret key', () =>
        refusesAltered((wire) => wire, [403], {
          options: { client: { credentials: { accessKeyId: store.accessKey, secretAccessKey: 'another' } } },
        }));
      it('refuses an unknown access key', () =>
        refusesAltered((wire) => wire, [403], {
          options: { client: { credentials: { accessKeyId: 'another', secretAccessKey: store.secretKey } } },
        }));
      it('refuses a signature for another method, key or query', async () => {
        await refusesAltered((wire) => ({ ...wire, method: 'DELETE', body: Buffer.alloc(0) }), [400, 403]);
        await refusesAltered((wire) => ({ ...wire, target: wire.target.replace('/case/', '/cast/') }), [403]);
        await refusesAltered((wire) => ({ ...wire, target: `${wire.target}&prefix=x` }), [403]);
      });
      it('refuses a clock 20 minutes behind or ahead', async () => {
        for (const systemClockOffset of [-20 * 60_000, 20 * 60_000]) {
          await refusesAltered((wire) => wire, [403], { options: { client: { systemClockOffset } } });
        }
      });
      it('refuses the credential of another region', () =>
        refusesAltered((wire) => wire, [400, 403], { options: { client: { region: 'eu-central-1' } } }));
      it('refuses an x-amz header that is not signed', () =>
        refusesAltered(withHeaders({ 'x-amz-meta-note': 'unsigned' }), [400, 403]));
      it('refuses an altered signed header', () =>
        refusesAltered(withHeaders({ 'x-amz-meta-note': 'altered' }), [403], {
          more: { Metadata: { note: 'signed' } },
        }));

      it('holds a body to its signed checksum when the payload is unsigned', async () => {
        const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
        const more = { ChecksumSHA256: sha256(BODY) };
        await refusesAltered((wire) => ({ ...wire, body: flipBit(wire.body) }), [400], { more, options: { headers } });
        const key = newKey();
        const answer = await sendWire(store, await signCommand(store, putCommand(key, more), { headers }));
        assert.equal(answer.status, 200);
      });

      it(`${target.behaviour.refusesUnsignedPayload ? 'refuses' : 'takes'} an unsigned payload without a checksum`, async () => {
        const key = newKey();
        const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
        const answer = await sendWire(store, await signCommand(store, putCommand(key), { headers }));
        assert.equal(answer.status, target.behaviour.refusesUnsignedPayload ? 400 : 200);
        if (target.behaviour.refusesUnsignedPayload) await assertAbsent(key);
      });
    });

    describe('who may ask', () => {
      it('refuses a signed request replayed under a foreign Host', () =>
        refusesAltered(withHeaders({ host: 'attacker.example' }), [400, 403]));

      it(`${target.behaviour.refusesForeignHost ? 'refuses' : 'takes'} a foreign Host that was signed`, async () => {
        const key = newKey();
        const wire = await signCommand(store, putCommand(key), { client: { endpoint: 'http://rebound.example:80' } });
        assert.equal(wire.headers.host, 'rebound.example');
        assert.equal((await sendWire(store, wire)).status, target.behaviour.refusesForeignHost ? 403 : 200);
        if (target.behaviour.refusesForeignHost) await assertAbsent(key);
      });

      it(`${target.behaviour.refusesForeignOrigin ? 'refuses' : 'takes'} a signed request of a foreign Origin, and lets no page read the answer`, async () => {
        const key = newKey();
        await put(key);
        const wire = await signCommand(store, new GetObjectCommand({ Bucket: store.bucket, Key: key }));
        for (const origin of ['https://attacker.example', 'null']) {
          const answer = await sendWire(store, withHeaders({ origin })(wire));
          assert.equal(answer.status, target.behaviour.refusesForeignOrigin ? 403 : 200);
          assert.equal(answer.headers['access-control-allow-origin'], undefined);
        }
        const preflight = await sendWire(store, {
          method: 'OPTIONS',
          target: wire.target,
          headers: {
            host: wire.headers.host!,
            origin: 'https://attacker.example',
            'access-control-request-method': 'PUT',
          },
          body: Buffer.alloc(0),
        });
        assertRefused(preflight, [400, 403, 404, 405, 501]);
        assert.equal(preflight.headers['access-control-allow-origin'], undefined);
      });
    });

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
          client,
          new PutObjectCommand({
            Bucket: store.bucket,
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
        const key = newKey();
        const url = await presignPut(key);
        assertRefused(await sendWire(store, fromUrl('PUT', url, alter(headersOf(BODY)), body)), statuses);
        await assertAbsent(key);
      };

      it('store the very body they were made for, once', async () => {
        const key = newKey();
        const wire = fromUrl('PUT', await presignPut(key), headersOf(BODY), BODY);
        assert.equal((await sendWire(store, wire)).status, 200);
        assert.deepEqual(await read(key), BODY);
        assertRefused(await sendWire(store, wire), [412]);
      });
      it('can be used with fetch', async () => {
        const key = newKey();
        const { 'content-length': _, ...headers } = headersOf(BODY);
        const answer = await fetch(await presignPut(key), { method: 'PUT', headers, body: BODY });
        assert.equal(answer.status, 200, await answer.text());
        assert.deepEqual(await read(key), BODY);
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
        const key = newKey();
        const url = await presignPut(key);
        const last = url.indexOf('X-Amz-Signature=') + 'X-Amz-Signature='.length;
        const digit = url[last] === '0' ? '1' : '0';
        const altered = [
          fromUrl('PUT', url.replace('/case/', '/cast/'), headersOf(BODY), BODY),
          fromUrl('PUT', url.replace('Expires=900', 'Expires=901'), headersOf(BODY), BODY),
          fromUrl('PUT', url.slice(0, last) + digit + url.slice(last + 1), headersOf(BODY), BODY),
          fromUrl('GET', url, { 'content-type': 'application/vnd.ipld.car' }),
        ];
        for (const wire of altered) assertRefused(await sendWire(store, wire), [400, 403]);
        await assertAbsent(key);
      });
      it('refuse to work after they expired, or long before', async () => {
        const key = newKey();
        for (const offsetMs of [-902_000, 3_600_000]) {
          const url = await presignPut(key, { signingDate: new Date(Date.now() + offsetMs) });
          assertRefused(await sendWire(store, fromUrl('PUT', url, headersOf(BODY), BODY)), [400, 403]);
        }
        await assertAbsent(key);
        const url = await presignPut(key, { signingDate: new Date(Date.now() - 840_000) });
        assert.equal((await sendWire(store, fromUrl('PUT', url, headersOf(BODY), BODY))).status, 200);
      });
      it('read an object, and a range of it, and not another', async () => {
        const key = newKey();
        await put(key);
        const url = await getSignedUrl(client, new GetObjectCommand({ Bucket: store.bucket, Key: key }), {
          expiresIn: 15,
        });
        assert.deepEqual((await sendWire(store, fromUrl('GET', url))).body, BODY);
        const part = await sendWire(store, fromUrl('GET', url, { range: 'bytes=2-8' }));
        assert.deepEqual([part.status, part.body.toString()], [206, 'segment']);
        assertRefused(await sendWire(store, fromUrl('GET', url.replace('.car?', '.cax?'))), [403]);
      });
      it(`${target.behaviour.refusesHoistedChecksum ? 'refuse' : 'ignore'} a checksum hoisted into the query`, async () => {
        const key = newKey();
        const url = await getSignedUrl(
          client,
          putCommand(key, { ChecksumSHA256: sha256(BODY), ContentLength: BODY.length }),
        );
        assert.match(url, /x-amz-checksum-sha256=/i);
        const headers = { 'content-length': String(BODY.length) };
        const answer = await sendWire(store, fromUrl('PUT', url, headers, flipBit(BODY)));
        assert.equal(answer.status, target.behaviour.refusesHoistedChecksum ? 501 : 200);
      });
    });

    describe('ranges', () => {
      const cases: [string, number, string | null][] = [
        ['bytes=0-0', 206, '0-0'],
        ['bytes=0-24', 206, '0-24'],
        ['bytes=0-', 206, '0-24'],
        ['bytes=24-', 206, '24-24'],
        ['bytes=24-24', 206, '24-24'],
        ['bytes=3-1000', 206, '3-24'],
        ['bytes=-1', 206, '24-24'],
        ['bytes=-25', 206, '0-24'],
        ['bytes=-1000', 206, '0-24'],
        ['bytes=25-', 416, null],
        ['bytes=25-30', 416, null],
        ['bytes=-0', 416, null],
      ];
      for (const [range, status, expected] of cases) {
        it(`answers ${range} of 25 bytes with ${status} ${expected ?? ''}`, async () => {
          const key = newKey();
          await put(key);
          const wire = await signCommand(store, new GetObjectCommand({ Bucket: store.bucket, Key: key, Range: range }));
          const answer = await sendWire(store, wire);
          assert.equal(answer.status, status, answer.code);
          if (expected === null) {
            assert.equal(answer.code, 'InvalidRange');
            return;
          }
          const [first, last] = expected.split('-').map(Number) as [number, number];
          assert.equal(answer.headers['content-range'], `bytes ${first}-${last}/25`);
          assert.deepEqual(answer.body, BODY.subarray(first, last + 1));
        });
      }
    });

    describe('conditions', () => {
      it('reads under If-Match and If-None-Match', async () => {
        const key = newKey();
        const { ETag } = await put(key);
        const other = `"${md5(Buffer.from('other'))}"`;
        assert.equal((await get(key, { IfMatch: ETag })).ContentLength, BODY.length);
        assert.equal((await get(key, { IfNoneMatch: other })).ContentLength, BODY.length);
        await assert.rejects(get(key, { IfMatch: other }), { name: 'PreconditionFailed' });
        const wire = await signCommand(
          store,
          new GetObjectCommand({ Bucket: store.bucket, Key: key, IfNoneMatch: ETag }),
        );
        const answer = await sendWire(store, wire);
        assert.deepEqual([answer.status, answer.body.length], [304, 0]);
      });

      it('writes once under If-None-Match: *', async () => {
        const key = newKey();
        await put(key, { IfNoneMatch: '*' });
        await assert.rejects(put(key, { IfNoneMatch: '*', Body: 'rival' }), { name: 'PreconditionFailed' });
        assert.deepEqual(await read(key), BODY);
        await client.send(new DeleteObjectCommand({ Bucket: store.bucket, Key: key }));
        await put(key, { IfNoneMatch: '*', Body: 'again' });
      });

      it('lets one of 16 racing writers win, ten times over', async () => {
        for (let round = 0; round < 10; round++) {
          const key = newKey();
          const bodies = Array.from({ length: 16 }, () => randomBytes(20_000));
          const results = await Promise.allSettled(bodies.map((Body) => put(key, { Body, IfNoneMatch: '*' })));
          const winners = bodies.filter((_, at) => results[at]!.status === 'fulfilled');
          assert.equal(winners.length, 1);
          for (const result of results) {
            if (result.status === 'rejected')
              assert.ok([409, 412].includes(result.reason.$metadata?.httpStatusCode), result.reason);
          }
          assert.ok((await read(key)).equals(winners[0]!));
        }
      });

      it('shows every reader one whole object while 8 writers overwrite it', async () => {
        const key = newKey();
        const bodies = Array.from({ length: 8 }, (_, at) => Buffer.alloc(300_000, at + 1));
        await put(key, { Body: bodies[0]! });
        const writing = Promise.all(bodies.map((Body) => put(key, { Body })));
        for (let reader = 0; reader < 20; reader++) {
          const found = await get(key);
          const bytes = Buffer.from(await found.Body!.transformToByteArray());
          assert.ok(bodies.some((body) => body.equals(bytes)));
          assert.equal(found.ETag, `"${md5(bytes)}"`);
        }
        await writing;
      });
    });

    describe('keys that climb', () => {
      const paths = [
        '../escaped',
        '../../../escaped',
        'a/../../../../escaped',
        '..%2F..%2F..%2Fescaped',
        '%2e%2e/%2e%2e/%2E%2E/escaped',
        '.%2e/%2e./escaped',
        '%2Ftmp/escaped-absolute',
        '/escaped-absolute',
        '..%5C..%5Cescaped',
        'escaped%00.car',
        '%c0%ae%c0%ae/escaped',
      ];
      for (const path of paths) {
        it(`keeps ${path} inside, or refuses it`, async () => {
          // Signed for the decoded key, as an attacker with a key would, and sent as written here.
          const decoded = Buffer.from(
            path.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
            'latin1',
          );
          const wire = await signCommand(store, putCommand(decoded.toString()));
          const answer = await sendWire(store, {
            ...wire,
            target: `/${store.bucket}/${path}${wire.target.slice(wire.target.indexOf('?'))}`,
          });
          assert.ok(answer.status < 500 || answer.status === 501, `${answer.status}`);
          const outside = (await readdir(dirname(store.dataDir), { recursive: false })).filter((name) =>
            name.includes('escaped'),
          );
          assert.deepEqual(outside, []);
          const misplaced = (await readdir('/tmp')).filter((name) => name.includes('escaped-absolute'));
          assert.deepEqual(misplaced, []);
          await client.send(new HeadBucketCommand({ Bucket: store.bucket }));
        });
      }
      it(`${target.behaviour.keepsEmptySegments ? 'keeps' : 'does not keep'} a//b apart from a/b`, async () => {
        const folder = newKey();
        await put(`${folder}/a/b`, { Body: 'one' });
        await put(`${folder}/a//b`, { Body: 'two' }).catch(() => undefined);
        assert.equal((await read(`${folder}/a/b`)).toString() === 'one', target.behaviour.keepsEmptySegments);
      });
    });

    describe('listing', () => {
      const list = async (more: ConstructorParameters<typeof ListObjectsV2Command>[0] | object) =>
        client.send(new ListObjectsV2Command({ Bucket: store.bucket, ...more }));

      it('gives 1,234 keys in pages, each once, in binary order', async () => {
        const keys = Array.from({ length: 1234 }, (_, at) => `many/${at % 7}/${at}`);
        await inParallel(keys, 16, (key) => put(key, { Body: 'x' }));
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
        const folder = newKey();
        const names = ['a', 'b/1', 'b/2', 'b/c/3', 'd', 'e/1', 'f'];
        for (const name of names) await put(`${folder}/${name}`);
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
        const folder = newKey();
        for (const name of ['1', '2', '3', '4']) await put(`${folder}/${name}`);
        const names = async (StartAfter: string) =>
          ((await list({ Prefix: `${folder}/`, StartAfter: `${folder}/${StartAfter}` })).Contents ?? []).map((entry) =>
            entry.Key!.slice(-1),
          );
        assert.deepEqual(await names('2'), ['3', '4']);
        assert.deepEqual(await names('25'), ['3', '4']);
        assert.deepEqual(await names('4'), []);
        assert.deepEqual((await list({ Prefix: `${folder}/3` })).Contents?.length, 1);
        assert.equal((await list({ Prefix: 'no such prefix' })).KeyCount, 0);
      });

      it('orders keys by their UTF-8 bytes, also where UTF-16 would not', async () => {
        const folder = newKey();
        const names = ['a', 'a-b', 'a.b', 'a/b', 'a0', 'B', 'é', '\uff5e', '😀'];
        for (const name of names) if (name !== 'a') await put(`${folder}/${name}`);
        const expected = names
          .filter((name) => name !== 'a')
          .toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
        assert.deepEqual(
          (await list({ Prefix: `${folder}/` })).Contents!.map((entry) => entry.Key!.slice(folder.length + 1)),
          expected,
        );
      });
    });

    it('keeps every acknowledged PUT whole, and no half of another, through kill -9', async () => {
      const acknowledged = new Map<string, Buffer>();
      const attempted = new Map<string, Buffer[]>();
      for (let round = 0; round < 4; round++) {
        const dying = Promise.withResolvers<void>();
        let count = 0;
        const killAfter = 5 + round * 9;
        let stopped = false;
        const writers = Array.from({ length: 4 }, async (_, writer) => {
          for (let at = 0; !stopped; at++) {
            const key = `crash/${writer}/${at % 6}`;
            const body = randomBytes(50_000 + 1000 * at);
            attempted.set(key, [...(attempted.get(key) ?? []), body]);
            try {
              await put(key, { Body: body });
              acknowledged.set(key, body);
              attempted.set(key, [body]);
            } catch {
              return;
            }
            if (++count === killAfter) dying.resolve();
          }
        });
        await dying.promise;
        await store.restart();
        stopped = true;
        await Promise.all(writers);
        client.destroy();
        client = makeClient(store);
        for (const [key, bodies] of attempted) {
          const found = await read(key).catch((error) => {
            assert.equal(error.name, 'NoSuchKey');
            return null;
          });
          if (found === null) assert.ok(!acknowledged.has(key), `${key} was acknowledged and is gone`);
          else {
            assert.ok(
              bodies.some((body) => body.equals(found)),
              `${key} holds what nobody put whole after the last acknowledgement`,
            );
            attempted.set(key, [found]);
          }
        }
      }
      assert.ok(acknowledged.size > 0);
    });
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

function md5(bytes: Uint8Array, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHash('md5').update(bytes).digest(encoding);
}

function flipBit(bytes: Uint8Array): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[7]! ^= 4;
  return flipped;
}

function requestHead(wire: WireRequest): Buffer {
  const lines = Object.entries(wire.headers).filter(([name]) => name !== 'expect');
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.from(`${wire.method} ${wire.target} HTTP/1.1\r\n${head}connection: close\r\n\r\n`, 'latin1');
}

/** Sends raw bytes, then ends the sending side, and returns whatever comes back. */
async function sendBytes(store: RunningObjectStore, bytes: Uint8Array): Promise<string> {
  const { hostname, port } = new URL(store.endpoint);
  const socket = connect(Number(port), hostname);
  socket.setTimeout(10_000, () => socket.destroy());
  socket.end(bytes);
  return text(socket).catch(() => '');
}

async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
