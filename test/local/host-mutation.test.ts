import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import { Wallet } from 'ethers';
import fc from 'fast-check';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createRequestSigner, type SignedRequest } from '../../adapters/http-signature/sign-request.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createStorageServiceClient } from '../../client/service/storage-service-client.ts';
import { sha256Cid } from '../../core/batch/manifest.ts';
import { readSegmentFront, type SegmentFront } from '../../core/batch/read-segment.ts';
import { segmentKey } from '../../core/batch/segment-key.ts';
import { concatBytes, to0x } from '../../core/bytes.ts';
import { type RunningHost, startHost } from '../../local/host/start-host.ts';
import { blocks, DOMAIN, REGION, type Stores, startStores, TestDevice } from '../functions/start-service.ts';

describe('mutated at random against the running host', () => {
  let stores: Stores;
  let host: RunningHost;
  let device: TestDevice;
  before(async () => {
    let deliver: RunningHost['deliverS3Event'] | null = null;
    stores = await startStores(async (event) => deliver?.(event));
    const { ports, s3Keys } = stores;
    host = await startHost({ ports, lambda: { ...s3Keys, region: REGION } });
    deliver = host.deliverS3Event;
    device = await TestDevice.open(stores);
    const upload = await store(device, device.seal(blocks([100, 2000, 30])).segment.car, 0);
    assert.equal(upload, 'received');
  });
  after(async () => {
    await host.close();
    await stores.close();
  });

  const clientOf = (key: Uint8Array) =>
    createStorageServiceClient({
      runtime: nodeRuntime,
      apiUrl: host.apiUrl,
      chainId: DOMAIN.chainId,
      account: new Wallet(to0x(key)),
    });

  /** Uploads bytes as a device would; the state that the service gives them. */
  async function store(writer: TestDevice, car: Uint8Array, first: number): Promise<string | undefined> {
    const sha256 = nodePrimitives.sha256(car);
    const client = clientOf(writer.deviceKey);
    const { put } = await client.uploadSegment(writer.dataset, { first, sha256, sizeBytes: car.length });
    assert.ok(put !== null);
    const response = await fetch(put.url, {
      method: 'PUT',
      headers: put.headers,
      body: car as Uint8Array<ArrayBuffer>,
    });
    assert.equal(response.status, 200, await response.text());
    await stores.s3.drained();
    const { batches } = await client.listBatches(writer.dataset, { limit: 500 });
    const key = segmentKey(writer.dataset, first, sha256);
    return batches.find((line) => line.key === key)?.state;
  }

  describe('segments', () => {
    // One dataset for all: nothing of what is thrown at it may enter its log.
    let victim: TestDevice;
    let car: Uint8Array;
    let front: SegmentFront;
    before(async () => {
      victim = await TestDevice.open(stores);
      car = victim.seal(blocks([40, 1500, 7, 90]), { stay: true }).segment.car;
      front = readSegmentFront(nodePrimitives, car);
    });
    after(async () => {
      const { batches } = await clientOf(victim.deviceKey).listBatches(victim.dataset, { limit: 500 });
      assert.ok(batches.length > 0 && batches.every(({ state }) => state === 'rejected'));
      assert.equal(await store(victim, car, 0), 'received', 'nothing of it stands in the way of the real one');
      assert.deepEqual((await clientOf(victim.ownerKey).hashBlocks(victim.dataset, [0])).answers.length, 1);
    });

    test('in their bytes', async () => {
      const place = fc.nat({ max: car.length - 1 });
      const change = fc.oneof(
        fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(([at, mask]) => flip(car, at, mask)),
        place.map((at) => car.slice(0, at)),
        fc
          .tuple(place, fc.uint8Array({ minLength: 1, maxLength: 20 }))
          .map(([at, more]) => concatBytes(car.slice(0, at), more, car.slice(at))),
        fc
          .tuple(place, fc.integer({ min: 1, max: 60 }))
          .map(([at, size]) => concatBytes(car.slice(0, at), car.slice(at + size))),
      );
      await fc.assert(
        fc.asyncProperty(change, async (bytes) => {
          fc.pre(bytes.length > 0 && Buffer.compare(bytes, car) !== 0);
          assert.equal(await tryStore(bytes), 'rejected');
        }),
        { numRuns: 40 },
      );
    });

    test('in their manifest, with every hash made right again', async () => {
      const manifest = dagCbor.decode(car.subarray(59 + 2 + 36, front.frontBytes)) as Record<string, unknown>;
      const strange = fc.oneof(
        fc.constant(null),
        fc.integer({ min: -5, max: 5 }),
        fc.constant(Number.MAX_SAFE_INTEGER),
        fc.uint8Array({ maxLength: 70 }),
        fc.string({ maxLength: 5 }),
        fc.boolean(),
        fc.constant([]),
        fc.constant({}),
      );
      const fields = [
        // Hints that no record holds are the device's word alone: whoever has keys sees that they are wrong.
        ...Object.keys(manifest).filter((name) => !['serial', 'salt', 'nonce'].includes(name)),
        'head.size',
        'head.root',
        'blocks.0.size',
        'blocks.1.record',
        'blocks.2.meta',
        'blocks.3.cid',
        'blocks.4',
        'more',
      ];
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...fields), strange, async (field, value) => {
          const changed = structuredCopy(manifest);
          setField(changed, field.split('.'), value);
          let bytes: Uint8Array;
          try {
            bytes = dagCbor.encode(changed);
          } catch {
            return;
          }
          fc.pre(Buffer.compare(bytes, dagCbor.encode(manifest)) !== 0);
          assert.equal(await tryStore(withManifest(car, front, bytes)), 'rejected');
        }),
        { numRuns: 60 },
      );
    });

    const stored = new Set<string>();
    async function tryStore(bytes: Uint8Array) {
      const name = Buffer.from(nodePrimitives.sha256(bytes)).toString('hex');
      if (stored.has(name)) return 'rejected';
      stored.add(name);
      return store(victim, bytes, 0);
    }
  });

  describe('requests', () => {
    const requests = (): [string, string, unknown][] => [
      ['GET', 'batches?by=block&from=0', undefined],
      ['POST', 'hashes', { blocks: [0, 2] }],
      ['POST', 'proofs', { challenges: [{ index: 1, random: 77 }] }],
      ['GET', 'blocks/1', undefined],
      ['GET', 'segments/0', undefined],
    ];
    async function signed([method, rest, body]: [string, string, unknown]): Promise<SignedRequest> {
      const wallet = new Wallet(to0x(device.ownerKey));
      const account = { address: wallet.address, chainId: DOMAIN.chainId };
      const bytes = body === undefined ? {} : { body: new TextEncoder().encode(JSON.stringify(body)) };
      const url = `${host.apiUrl}/v1/datasets/${device.dataset}/${rest}`;
      return createRequestSigner((message) => wallet.signMessage(message), account).signRequest({
        method,
        url,
        ...bytes,
      });
    }
    const printable = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));

    test('are answered while nothing is changed', async () => {
      for (const request of requests()) assert.equal(await send(await signed(request)), 200);
    });

    test('are not, once a character of what was signed is another', async () => {
      const target = fc.constantFrom(
        'path',
        'query',
        'body',
        'signature',
        'signature-input',
        'content-digest',
        'method',
      );
      await fc.assert(
        fc.asyncProperty(fc.nat({ max: 4 }), target, fc.nat(), printable, async (which, what, at, character) => {
          const request = await signed(requests()[which]!);
          const mutated = mutate(request, what, at, character);
          fc.pre(mutated !== null);
          const status = await send(mutated!);
          assert.ok(status >= 400 && status < 500, `${what}: ${status}`);
        }),
        { numRuns: 150 },
      );
    });

    test('are never a 5xx, whatever stands in body, path and query of a well signed one', async () => {
      const wallet = new Wallet(to0x(device.ownerKey));
      const account = { address: wallet.address, chainId: DOMAIN.chainId };
      const signer = createRequestSigner((message) => wallet.signMessage(message), account);
      const json = fc.oneof(
        fc.jsonValue({ maxDepth: 3 }),
        fc.record({ blocks: fc.array(fc.oneof(fc.nat(), fc.maxSafeInteger(), fc.double()), { maxLength: 6 }) }),
        fc.record({
          challenges: fc.array(fc.record({ index: fc.maxSafeInteger(), random: fc.nat() }), { maxLength: 4 }),
        }),
        fc.record({ blocks: fc.uniqueArray(fc.maxSafeInteger(), { maxLength: 6 }), size: fc.nat() }),
      );
      const rest = fc.constantFrom('hashes', 'proofs', 'records', 'segments');
      const query = fc.oneof(
        fc.constant(''),
        fc
          .tuple(fc.constantFrom('from', 'to', 'limit', 'by', 'cursor', '__proto__'), fc.string({ maxLength: 8 }))
          .map(([name, value]) => `?${name}=${encodeURIComponent(value)}`),
      );
      await fc.assert(
        fc.asyncProperty(rest, json, query, fc.boolean(), async (tail, body, search, get) => {
          const path = get ? `batches${search}` : tail;
          const url = `${host.apiUrl}/v1/datasets/${device.dataset}/${path}`;
          const bytes = get ? {} : { body: new TextEncoder().encode(JSON.stringify(body)) };
          const status = await send(await signer.signRequest({ method: get ? 'GET' : 'POST', url, ...bytes }));
          assert.ok(status < 500, `${status}`);
        }),
        { numRuns: 150 },
      );
    });
  });
});

/** Sends a request as it is, without the corrections that fetch makes. */
function send({ method, url, headers, body }: SignedRequest): Promise<number> {
  const at = new URL(url.split('/').slice(0, 3).join('/'));
  const path = `/${url.split('/').slice(3).join('/')}`;
  return new Promise((resolve, reject) => {
    const options = { host: at.hostname, port: at.port, path, method, headers, agent: false };
    const request = httpRequest(options, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
    });
    request.once('error', reject);
    request.end(body);
  });
}

/** The request with one character changed in one place; null when it has no such place, or is the same. */
function mutate(request: SignedRequest, what: string, at: number, character: string): SignedRequest | null {
  const replaceAt = (text: string) => text.slice(0, at % text.length) + character + text.slice((at % text.length) + 1);
  const { pathname, search, origin } = new URL(request.url);
  if (what === 'method') return { ...request, method: request.method === 'GET' ? 'POST' : 'GET' };
  if (what === 'path' || what === 'query') {
    if (/["<>\\^`{|}#?%]/.test(character) || (what === 'query' && search.length < 2)) return null;
    const path = what === 'path' ? `/${replaceAt(pathname.slice(1))}` : pathname;
    const url = `${origin}${path}${what === 'query' ? `?${replaceAt(search.slice(1))}` : search}`;
    return url === request.url ? null : { ...request, url };
  }
  if (what === 'body') {
    if (request.body === undefined) return null;
    const body = new TextEncoder().encode(replaceAt(new TextDecoder().decode(request.body)));
    return Buffer.compare(body, request.body) === 0 ? null : { ...request, body };
  }
  const value = request.headers[what];
  if (value === undefined || replaceAt(value) === value) return null;
  return { ...request, headers: { ...request.headers, [what]: replaceAt(value) } };
}

function flip(bytes: Uint8Array, at: number, mask: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= mask;
  return copy;
}

/** The segment with another manifest, its CID and the header's made to fit. */
function withManifest(car: Uint8Array, front: SegmentFront, manifest: Uint8Array): Uint8Array {
  const cid = sha256Cid(0x71, nodePrimitives.sha256(manifest)).bytes;
  const header = car.slice(0, 59);
  header.set(cid, Buffer.from(header).indexOf(car.subarray(61, 61 + 36)));
  const section = cid.length + manifest.length;
  const length =
    section < 0x4000
      ? [(section & 0x7f) | 0x80, section >> 7]
      : [(section & 0x7f) | 0x80, ((section >> 7) & 0x7f) | 0x80, section >> 14];
  return concatBytes(header, Uint8Array.from(length), cid, manifest, car.slice(front.frontBytes));
}

function structuredCopy(value: Record<string, unknown>): Record<string, unknown> {
  return dagCbor.decode(dagCbor.encode(value)) as Record<string, unknown>;
}

function setField(target: Record<string, unknown>, [name, ...rest]: string[], value: unknown): void {
  if (rest.length === 0) target[name!] = value;
  else setField(target[name!] as Record<string, unknown>, rest, value);
}
