import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { objectPath } from '../../../local/s3/object-path.ts';
import type { S3ObjectEvent } from '../../../local/s3/s3-event.ts';
import { type RunningS3, type S3Options, startS3 } from '../../../local/s3/start-s3.ts';
import { requestHead } from '../../conformance/object-store/bench.ts';
import { signCommand } from '../../conformance/object-store/signed-request.ts';
import type { RunningObjectStore } from '../../conformance/object-store/target.ts';

const Bucket = 'blocks';
const ACCESS = { accessKey: 'key', secretKey: 'a very secret secret', region: 'us-east-1', buckets: [Bucket] };

let dataDir: string;
let running: { s3: RunningS3; client: S3Client }[];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'plumbline-s3-'));
  running = [];
});
afterEach(async () => {
  for (const { s3, client } of running) {
    client.destroy();
    await s3.close();
  }
  await rm(dataDir, { recursive: true, force: true });
});

async function start(options: Partial<S3Options> = {}, config: S3ClientConfig = {}) {
  const s3 = await startS3({ dataDir, ...ACCESS, ...options });
  const client = makeClient(s3, config);
  running.push({ s3, client });
  return { s3, client };
}

function makeClient(s3: RunningS3, config: S3ClientConfig = {}): S3Client {
  return new S3Client({
    endpoint: s3.endpoint,
    region: ACCESS.region,
    forcePathStyle: true,
    credentials: { accessKeyId: ACCESS.accessKey, secretAccessKey: ACCESS.secretKey },
    maxAttempts: 1,
    ...config,
  });
}

/** The store as the conformance suite's wire functions want it. */
function wireStore(s3: RunningS3): RunningObjectStore {
  const none = () => Promise.resolve();
  return { ...ACCESS, endpoint: s3.endpoint, bucket: Bucket, dataDir, restart: none, stop: none };
}

async function open(s3: RunningS3): Promise<Socket> {
  const socket = connect(s3.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

describe('bytes changed behind the back', () => {
  it('are served as they are, with the length they have', async () => {
    const { s3, client } = await start();
    const Key = 'ab/0000000000000000/cd.car';
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'the recorded bytes' }));
    const path = objectPath(dataDir, Bucket, Key);
    await writeFile(path, 'The recorded bytes');
    const quiet = makeClient(s3, { responseChecksumValidation: 'WHEN_REQUIRED' });
    const damaged = await quiet.send(new GetObjectCommand({ Bucket, Key }));
    assert.equal(await damaged.Body!.transformToString(), 'The recorded bytes');
    await truncate(path, 3);
    const cut = await quiet.send(new GetObjectCommand({ Bucket, Key }));
    assert.deepEqual([await cut.Body!.transformToString(), cut.ContentLength], ['The', 3]);
    assert.equal((await client.send(new HeadObjectCommand({ Bucket, Key }))).ContentLength, 3);
    assert.equal((await client.send(new ListObjectsV2Command({ Bucket }))).Contents![0]!.Size, 3);
    // A reader that compares the checksum declared at the time of the put does notice.
    const checked = await client.send(new GetObjectCommand({ Bucket, Key }));
    await assert.rejects(checked.Body!.transformToString(), /[Cc]hecksum/);
    quiet.destroy();
  });

  it('are NoSuchKey when the file is gone, and may be put again', async () => {
    const { client } = await start();
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    await rm(objectPath(dataDir, Bucket, 'k'));
    await assert.rejects(client.send(new GetObjectCommand({ Bucket, Key: 'k' })), { name: 'NoSuchKey' });
    assert.equal((await client.send(new ListObjectsV2Command({ Bucket }))).KeyCount, 0);
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'y', IfNoneMatch: '*' }));
  });

  it('break the connection when they get fewer while being sent', async () => {
    const { client } = await start();
    const Body = randomBytes(8 * 1024 * 1024);
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body }));
    const found = await client.send(new GetObjectCommand({ Bucket, Key: 'k' }));
    await truncate(objectPath(dataDir, Bucket, 'k'), 1000);
    await assert.rejects(found.Body!.transformToByteArray());
  });
});

describe('what is not part of it', () => {
  it('is refused as NotImplemented, never ignored', async () => {
    const { client } = await start();
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    const refused = [
      client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k' })),
      client.send(new CopyObjectCommand({ Bucket, Key: 'l', CopySource: `${Bucket}/k` })),
      client.send(new PutObjectTaggingCommand({ Bucket, Key: 'k', Tagging: { TagSet: [] } })),
      client.send(new PutBucketPolicyCommand({ Bucket, Policy: '{}' })),
      client.send(new GetObjectCommand({ Bucket, Key: 'k', VersionId: '1' })),
      client.send(new GetObjectCommand({ Bucket, Key: 'k', ResponseContentType: 'text/html' })),
      client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ACL: 'public-read' })),
      client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ServerSideEncryption: 'AES256' })),
      client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ChecksumAlgorithm: 'SHA1' })),
      client.send(new DeleteObjectCommand({ Bucket, Key: 'k', IfMatch: '"a"' })),
    ];
    for (const result of await Promise.allSettled(refused)) {
      assert.equal(result.status === 'rejected' ? result.reason.name : 'accepted', 'NotImplemented');
    }
  });

  it('creates its own buckets again, no others, and lists them', async () => {
    const { client } = await start();
    await client.send(new CreateBucketCommand({ Bucket }));
    await assert.rejects(client.send(new CreateBucketCommand({ Bucket: 'another' })), { name: 'AccessDenied' });
    assert.deepEqual(
      (await client.send(new ListBucketsCommand({}))).Buckets!.map(({ Name }) => Name),
      [Bucket],
    );
    await assert.rejects(startS3({ ...ACCESS, dataDir, buckets: ['..'] }), { code: 'InvalidBucketName' });
  });
});

describe('bounds', () => {
  it('refuses an object over the limit before it is sent', async () => {
    const { client } = await start({ limits: { maxObjectBytes: 1000 } });
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: Buffer.alloc(1000) }));
    for (const size of [1001, 5 * 1024 * 1024]) {
      const put = client.send(new PutObjectCommand({ Bucket, Key: 'l', Body: Buffer.alloc(size) }));
      await assert.rejects(put, { name: 'EntityTooLarge' });
    }
    await assert.rejects(start({ limits: { maxObjectBytes: 6 * 1024 ** 3 } }), RangeError);
  });

  it('refuses metadata over 2 KiB and keys over 1,024 bytes', async () => {
    const { client } = await start();
    const put = (Key: string, length: number) =>
      client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', Metadata: { a: 'b'.repeat(length) } }));
    await put('k'.repeat(1024), 2047);
    await assert.rejects(put('k', 2048), { name: 'MetadataTooLarge' });
    await assert.rejects(put('k'.repeat(1025), 1), { name: 'KeyTooLongError' });
    assert.equal((await client.send(new ListObjectsV2Command({ Bucket }))).Contents![0]!.Key, 'k'.repeat(1024));
  });

  it('hangs up on a sender of slow headers and of a slow body, and goes on serving', async () => {
    const limits = { headersTimeoutMs: 500, requestTimeoutMs: 1_000 };
    const { s3, client } = await start({ limits });
    const slowHead = await open(s3);
    slowHead.write('GET /blocks/k HTTP/1.1\r\nHost: x\r\nx-a');
    assert.match(await text(slowHead), /^HTTP\/1.1 408/);
    const slowBody = await open(s3);
    slowBody.write(`PUT /blocks/k HTTP/1.1\r\nHost: 127.0.0.1:${s3.port}\r\nContent-Length: 100\r\n\r\nab`);
    assert.match(await text(slowBody), /^HTTP\/1.1 403/);
    const signed = await signCommand(wireStore(s3), new PutObjectCommand({ Bucket, Key: 'slow', Body: 'abcdef' }));
    const slowSigned = await open(s3);
    slowSigned.write(Buffer.concat([requestHead(signed), Buffer.from('abc')]));
    assert.match(await text(slowSigned), /^HTTP\/1.1 (408|400)/);
    await assert.rejects(client.send(new GetObjectCommand({ Bucket, Key: 'slow' })), { name: 'NoSuchKey' });
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    await s3.close();
    assert.deepEqual(await readdir(join(dataDir, 'tmp')), []);
  });

  it('turns away connections over the limit and takes new ones afterwards', async () => {
    const { s3, client } = await start({ limits: { maxConnections: 4 } });
    const held = await Promise.all(Array.from({ length: 4 }, () => open(s3)));
    const turnedAway = await open(s3);
    assert.equal(await text(turnedAway).catch(() => ''), '');
    const closed = Promise.all(held.map((socket) => once(socket, 'close')));
    for (const socket of held) socket.destroy();
    await closed;
    for (let attempt = 0; ; attempt++) {
      const put = client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
      const done = await put.then(
        () => true,
        (error) => {
          if (attempt === 100) throw error;
          return false;
        },
      );
      if (done) break;
      await delay(25); // Until the server has noticed, too, that they are gone.
    }
  });

  it('answers whatever bytes come with a 4xx, or hangs up, and goes on serving', async () => {
    const { s3, client } = await start();
    const host = `Host: 127.0.0.1:${s3.port}\r\n`;
    const rubbish = [
      '\r\n\r\n\r\n',
      '\x00\x01\x02\xff\r\n\r\n',
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      `GET /%zz HTTP/1.1\r\n${host}\r\n`,
      `GET http://evil/ HTTP/1.1\r\n${host}\r\n`,
      `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`,
      `GET / HTTP/1.1\r\n${host}X: ${'a'.repeat(20_000)}\r\n\r\n`,
      `GET / HTTP/1.1\r\n${host}${host}\r\n`,
      `OPTIONS * HTTP/1.1\r\n${host}\r\n`,
      `CONNECT evil:80 HTTP/1.1\r\n${host}\r\n`,
      `GET / HTTP/1.1\r\n${host}Upgrade: websocket\r\nConnection: upgrade\r\n\r\n`,
      `PUT /blocks/k HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `PUT /blocks/k HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
      `PUT /blocks/k HTTP/1.1\r\n${host}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`,
      `PUT /blocks/k HTTP/1.1\r\n${host}Content-Length: 99999999999999999999\r\n\r\n`,
      `GET / HTTP/1.1\r\n${host}Authorization: AWS4-HMAC-SHA256 Credential=///, SignedHeaders=;;, Signature=${'0'.repeat(64)}\r\nx-amz-date: x\r\n\r\n`,
      ...Array.from({ length: 20 }, (_, at) => createHash('sha512').update(`${at}`).digest().toString('latin1')),
    ];
    for (const bytes of rubbish) {
      const socket = await open(s3);
      socket.end(bytes, 'latin1');
      const answer = await text(socket).catch(() => '');
      if (answer !== '')
        assert.match(answer, /^HTTP\/1.1 (4\d\d|100 Continue.*HTTP\/1.1 4)/s, JSON.stringify(bytes.slice(0, 60)));
    }
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    await s3.close();
    assert.deepEqual(await readdir(join(dataDir, 'tmp')), []);
  });

  it('answers signed requests mutated at random with a 4xx, and takes none of them', async () => {
    const lines: { status: number; code?: string; error?: string }[] = [];
    const { s3, client } = await start({
      log: (line) => lines.push(line as (typeof lines)[number]),
      limits: { requestTimeoutMs: 2_000, headersTimeoutMs: 1_000 },
    });
    const store = wireStore(s3);
    const put = await signCommand(
      store,
      new PutObjectCommand({ Bucket, Key: 'k/l', Body: 'the body', IfNoneMatch: '*' }),
    );
    const get = await signCommand(store, new GetObjectCommand({ Bucket, Key: 'k/l', Range: 'bytes=0-3' }));
    const bytesOf = fc.constantFrom(
      ...[put, get].map((wire) => Buffer.concat([requestHead(wire), wire.body]).toString('latin1')),
    );
    const edit = fc.record({
      at: fc.nat(2000),
      remove: fc.nat(3),
      insert: fc.oneof(
        fc.constantFrom('%', '%00', '\r\n', ':', ' ', '/', '..', '&', '=', '+', '\xff', ''),
        fc.string({ maxLength: 4 }),
      ),
    });
    await fc.assert(
      fc.asyncProperty(bytesOf, fc.array(edit, { minLength: 1, maxLength: 3 }), async (original, edits) => {
        const bytes = edits.reduce(
          (text, { at, remove, insert }) =>
            text.slice(0, at % text.length) + insert + text.slice((at % text.length) + remove),
          original,
        );
        const socket = await open(s3);
        socket.end(Buffer.from(bytes, 'latin1'));
        assert.doesNotMatch(await text(socket).catch(() => ''), /^HTTP\/1.1 5(?!01)/);
      }),
      { numRuns: 300 },
    );
    assert.deepEqual(
      lines.filter(({ error }) => error !== undefined),
      [],
    );
    const kept = await client.send(new ListObjectsV2Command({ Bucket }));
    for (const { Key } of kept.Contents ?? []) assert.equal(Key, 'k/l'); // Only an edit that changed nothing signed.
    const body = await client.send(new GetObjectCommand({ Bucket, Key: 'k/l' })).catch(() => null);
    if (body !== null) assert.equal(await body.Body!.transformToString(), 'the body');
  });

  it('closes in time with a request under way, and finishes it when it can', async () => {
    const { s3, client } = await start({ limits: { closeTimeoutMs: 300 } });
    const stuck = await open(s3);
    stuck.write(`PUT /blocks/k HTTP/1.1\r\nHost: 127.0.0.1:${s3.port}\r\nContent-Length: 100\r\n\r\nab`);
    const put = client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: randomBytes(1_000_000) }));
    await put;
    const started = performance.now();
    await s3.close();
    assert.ok(performance.now() - started < 10_000);
  });

  it('says nothing secret in its log', async () => {
    const lines: string[] = [];
    const { client } = await start({ log: (line) => lines.push(JSON.stringify(line)) });
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    await client.send(new GetObjectCommand({ Bucket, Key: 'missing' })).catch(() => undefined);
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)).map(({ method, path, status, code }) => ({ method, path, status, code })),
      [
        { method: 'PUT', path: '/blocks/k', status: 200, code: undefined },
        { method: 'GET', path: '/blocks/missing', status: 404, code: 'NoSuchKey' },
      ],
    );
    assert.doesNotMatch(lines.join(), /Signature|secret/);
  });
});

describe('events', () => {
  /** A listener that can be told to fail, and lets tests wait for what comes. */
  function listener() {
    const seen: S3ObjectEvent[] = [];
    const waiting: (() => void)[] = [];
    const state = { failing: false, failures: 0 };
    return {
      seen,
      state,
      onEvent: async (event: S3ObjectEvent) => {
        for (const wake of waiting.splice(0)) wake();
        if (state.failing) {
          state.failures += 1;
          throw new Error('the listener is down');
        }
        seen.push(event);
      },
      /** Resolves at the next call, failing or not. */
      called: () => new Promise<void>((resolve) => waiting.push(resolve)),
    };
  }

  it('tell of a put and a delete in the shape of AWS', async () => {
    const { seen, onEvent } = listener();
    const now = () => new Date('2026-11-22T12:00:00.123Z');
    const { s3, client } = await start({ onEvent, now }, { systemClockOffset: now().getTime() - Date.now() });
    const { ETag } = await client.send(new PutObjectCommand({ Bucket, Key: 'a b/ü+&.car', Body: 'xyz' }));
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'a b/ü+&.car' }));
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'never there' }));
    await s3.drained();
    const [put, removed] = seen.toSorted((a, b) => (a.s3.object.sequencer < b.s3.object.sequencer ? -1 : 1));
    assert.equal(seen.length, 2);
    assert.deepEqual(put, {
      eventVersion: '2.1',
      eventSource: 'aws:s3',
      awsRegion: 'us-east-1',
      eventTime: '2026-11-22T12:00:00.123Z',
      eventName: 'ObjectCreated:Put',
      userIdentity: { principalId: 'AWS:key' },
      requestParameters: { sourceIPAddress: '127.0.0.1' },
      responseElements: put!.responseElements,
      s3: {
        s3SchemaVersion: '1.0',
        configurationId: 'plumbline',
        bucket: { name: Bucket, ownerIdentity: { principalId: 'key' }, arn: 'arn:aws:s3:::blocks' },
        object: {
          key: 'a+b/%C3%BC%2B%26.car',
          size: 3,
          eTag: ETag!.replaceAll('"', ''),
          sequencer: put!.s3.object.sequencer,
        },
      },
    });
    assert.match(put!.s3.object.sequencer, /^[0-9A-F]{16}$/);
    assert.equal(removed!.eventName, 'ObjectRemoved:Delete');
    assert.deepEqual(Object.keys(removed!.s3.object), ['key', 'sequencer']);
  });

  it('come again until they are taken', async () => {
    const { seen, state, onEvent, called } = listener();
    state.failing = true;
    const { s3, client } = await start({ onEvent });
    const first = called();
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    await first;
    await called();
    assert.equal(seen.length, 0);
    state.failing = false;
    await s3.drained();
    assert.equal(seen.length, 1);
    assert.deepEqual(await readdir(join(dataDir, 'journal')), []);
  });

  it('come again after a restart, and are not told twice once taken', async () => {
    const down = listener();
    down.state.failing = true;
    const before = await start({ onEvent: down.onEvent });
    const called = down.called();
    await before.client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    await called;
    const drained = assert.rejects(before.s3.drained(), /not delivered/);
    await before.s3.close();
    await drained;
    // Without a listener nothing is lost either.
    await (await start()).s3.close();
    const up = listener();
    const after = await start({ onEvent: up.onEvent });
    await after.s3.drained();
    assert.deepEqual(
      up.seen.map((event) => event.s3.object.key),
      ['k'],
    );
    await after.s3.close();
    const third = listener();
    await (await start({ onEvent: third.onEvent })).s3.drained();
    assert.deepEqual(third.seen, []);
  });

  it('do not hold up a put, and closing aborts a listener that hangs', async () => {
    const aborted = Promise.withResolvers<void>();
    const onEvent = (_: S3ObjectEvent, signal: AbortSignal) => {
      signal.addEventListener('abort', () => aborted.resolve());
      return new Promise<void>(() => undefined);
    };
    const { s3, client } = await start({ onEvent });
    for (let at = 0; at < 20; at++) await client.send(new PutObjectCommand({ Bucket, Key: `k${at}`, Body: 'x' }));
    await s3.close();
    await aborted.promise;
    assert.equal((await readdir(join(dataDir, 'journal'))).length, 20);
  });
});
