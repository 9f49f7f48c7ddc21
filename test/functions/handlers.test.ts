import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Wallet } from 'ethers';
import { gatewayEventFromRequest } from '../../adapters/http-signature/gateway-event.ts';
import { createRequestSigner, type UnsignedRequest } from '../../adapters/http-signature/sign-request.ts';
import { to0x } from '../../core/bytes.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { HttpAnswer } from '../../functions/answer/problem.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import type { HttpRow } from '../../functions/row.ts';
import { httpRows } from '../../functions/table.ts';
import { handlerOf } from './handler-of.ts';
import { blocks, DOMAIN, key, putObject, type Stores, startStores, TestDevice } from './start-service.ts';

const ORIGIN = 'https://api.plumbline.example';
type Name = keyof typeof httpRows;

describe('handlers', () => {
  let stores: Stores;
  let device: TestDevice;
  before(async () => {
    stores = await startStores();
    device = await TestDevice.open(stores);
    const batch = device.seal(blocks([1000, 2000]));
    await putObject(stores, batch.segment.key, batch.segment.car);
    await ingestSegment(stores.ports, batch.segment.key);
  });
  after(() => stores.close());
  beforeEach(() => {
    stores.ledger.down = false;
    Object.assign(stores.clock, { offsetMs: 0, stoppedAtMs: null });
    stores.lines.length = 0;
  });

  async function invoke(name: Name, event: unknown, ports: ServicePorts = stores.ports) {
    const handler = await handlerOf<HttpAnswer>(name, ports);
    const answer = await handler(event, { getRemainingTimeInMillis: () => 10_000 });
    const isJson = answer.headers['content-type']?.includes('json');
    return { ...answer, json: isJson ? JSON.parse(answer.body) : null };
  }
  function signed(accountKey: Uint8Array, request: Omit<UnsignedRequest, 'url'> & { path: string }, atMs = Date.now()) {
    const wallet = new Wallet(to0x(accountKey));
    const account = { address: wallet.address, chainId: DOMAIN.chainId };
    const signer = createRequestSigner((message) => wallet.signMessage(message), account);
    return signer.signRequest({ ...request, url: `${ORIGIN}${request.path}` }, { nowMs: atMs });
  }
  async function call(
    name: Name,
    accountKey: Uint8Array,
    request: { path: string; body?: unknown },
    ports?: ServicePorts,
  ) {
    const { method } = httpRows[name].trigger;
    const body = request.body === undefined ? {} : { body: new TextEncoder().encode(JSON.stringify(request.body)) };
    const event = gatewayEventFromRequest(await signed(accountKey, { method, path: request.path, ...body }));
    return invoke(name, event, ports);
  }
  const path = (rest: string, dataset: string = device.dataset) => `/v1/datasets/${dataset}/${rest}`;

  test('let nobody in unsigned, wherever the table names callers', async () => {
    const rows = Object.values<HttpRow>(httpRows).filter(({ callers }) => callers !== 'anyone');
    assert.ok(rows.length > 8);
    for (const { name, trigger } of rows) {
      const url = `${ORIGIN}${trigger.path.replaceAll(/\{(dataset|agreement)\}/g, device.dataset).replaceAll(/\{\w+\}/g, '0')}`;
      const event = gatewayEventFromRequest({ method: trigger.method, url, headers: {} });
      const refused = await invoke(name as Name, event);
      assert.deepEqual([refused.statusCode, refused.json.type], [401, '/problems/signature'], name);
    }
  });

  test('let the parties in that the table names, and nobody else', async () => {
    const stranger = key();
    const other = await TestDevice.open(stores);
    const requests = {
      'upload-segment': { path: path('segments'), body: { first: 2, sha256: `0x${'ab'.repeat(32)}`, sizeBytes: 500 } },
      'list-batches': { path: path('batches') },
      'hash-blocks': { path: path('hashes'), body: { blocks: [0] } },
      'prove-chunks': { path: path('proofs'), body: { challenges: [{ index: 0, random: 1 }] } },
      'get-block': { path: path('blocks/0') },
      'get-segment': { path: path('segments/0') },
    } satisfies Partial<Record<Name, { path: string; body?: unknown }>>;
    for (const [name, request] of Object.entries(requests) as [keyof typeof requests, { path: string }][]) {
      const allowed: readonly string[] = httpRows[name].callers;
      const expected = (role: string) => (allowed.includes(role) ? 200 : 403);
      assert.equal((await call(name, device.ownerKey, request)).statusCode, expected('owner'), `${name} owner`);
      assert.equal((await call(name, device.deviceKey, request)).statusCode, expected('device'), `${name} device`);
      for (const foreign of [stranger, other.ownerKey, other.deviceKey]) {
        const answer = await call(name, foreign, request);
        assert.equal(answer.statusCode, 403, name);
        assert.equal(answer.json.type, '/problems/forbidden');
      }
      const unsigned = await invoke(
        name,
        gatewayEventFromRequest({
          method: httpRows[name].trigger.method,
          url: `${ORIGIN}${request.path}`,
          headers: {},
        }),
      );
      assert.deepEqual([unsigned.statusCode, unsigned.json.type], [401, '/problems/signature']);
    }
    const open = await invoke(
      'get-records',
      gatewayEventFromRequest({
        method: 'POST',
        url: `${ORIGIN}${path('records')}`,
        headers: {},
        body: Buffer.from(JSON.stringify({ blocks: [0], size: 2 })),
      }),
    );
    assert.equal(open.statusCode, 200, 'records are public');
  });

  test('a request counts once, whichever function it is shown to', async () => {
    const event = gatewayEventFromRequest(await signed(device.ownerKey, { method: 'GET', path: path('batches') }));
    assert.equal((await invoke('list-batches', event)).statusCode, 200);
    const again = await invoke('list-batches', event);
    assert.deepEqual([again.statusCode, again.json.reason], [401, 'replayed']);
  });

  test('a signed request for one function is not an order to another', async () => {
    const body = Buffer.from(JSON.stringify({ blocks: [0] }));
    const request = await signed(device.ownerKey, { method: 'POST', path: path('hashes'), body });
    const answer = await invoke('prove-chunks', gatewayEventFromRequest(request));
    assert.deepEqual([answer.statusCode, answer.json.type], [404, '/problems/not-found']);
    const posted = await signed(device.ownerKey, { method: 'POST', path: path('batches') });
    assert.equal((await invoke('list-batches', gatewayEventFromRequest(posted))).statusCode, 404);
  });

  test('what a router claims of the path does not count, only what was signed', async () => {
    const other = await TestDevice.open(stores);
    const event = gatewayEventFromRequest(
      await signed(other.ownerKey, { method: 'GET', path: path('batches', other.dataset) }),
    );
    const forged = { ...event, pathParameters: { dataset: device.dataset }, routeKey: 'GET /x' };
    const answer = await invoke('list-batches', forged);
    assert.equal(answer.statusCode, 200);
    assert.deepEqual(answer.json.batches, [], "the other dataset's, which is empty");
  });

  test('a clock that is off is told the time, so that it can sign again', async () => {
    const late = Date.now() - 10 * 60_000;
    const answer = await invoke(
      'list-batches',
      gatewayEventFromRequest(await signed(device.ownerKey, { method: 'GET', path: path('batches') }, late)),
    );
    assert.deepEqual([answer.statusCode, answer.json.type], [401, '/problems/clock']);
    assert.ok(Math.abs(answer.json.serverTimeMs - Date.now()) < 5_000);
  });

  test('nobody is let in while the chain cannot be read, but for the 15 s that a right is kept', async () => {
    const handler = await handlerOf<HttpAnswer>('list-batches', stores.ports);
    const ask = async () => {
      const request = { method: 'GET', path: path('batches') };
      const nowMs = stores.ports.runtime.nowMs();
      return handler(gatewayEventFromRequest(await signed(device.ownerKey, request, nowMs)), {});
    };
    assert.equal((await ask()).statusCode, 200);
    const readsBefore = stores.ledger.reads;
    assert.equal((await ask()).statusCode, 200);
    assert.equal(stores.ledger.reads - readsBefore, 2, 'heads only: the right is kept');
    stores.ledger.down = true;
    stores.clock.offsetMs = 15_001;
    const refused = await ask();
    assert.equal(refused.statusCode, 503);
    assert.equal(JSON.parse(refused.body).type, '/problems/unavailable');
  });

  test('a new device is let in after a second, and a removed one is out after fifteen', async () => {
    stores.clock.stoppedAtMs = Date.now();
    for (const [waitMs, old, fresh] of [
      [1_001, 200, 200],
      [14_900, 200, 200],
      [15_001, 403, 200],
    ] as const) {
      const writer = await TestDevice.open(stores);
      const [former, next] = [writer.deviceKey, key()];
      const [forOld, forNew] = await Promise.all([0, 1].map(() => handlerOf<HttpAnswer>('list-batches', stores.ports)));
      const ask = async (handler: typeof forOld, who: Uint8Array) => {
        const request = { method: 'GET', path: path('batches', writer.dataset) };
        const event = gatewayEventFromRequest(await signed(who, request, stores.ports.runtime.nowMs()));
        return (await handler!(event, {})).statusCode;
      };
      // Each in a process of its own: one that asks for the new device would read the chain anew for both.
      assert.equal(await ask(forOld, former), 200);
      assert.equal(await ask(forNew, next), 403);
      writer.replace(stores, { deviceKey: next });
      stores.clock.offsetMs += waitMs;
      assert.equal(await ask(forOld, former), old, `${waitMs}`);
      assert.equal(await ask(forNew, next), fresh, `${waitMs}`);
    }
  });

  test('malformed requests are the caller’s fault, with the field named', async () => {
    const cases: [Name, { path: string; body?: unknown }, RegExp][] = [
      ['hash-blocks', { path: path('hashes'), body: { blocks: [] } }, /body\.blocks/],
      ['hash-blocks', { path: path('hashes'), body: { blocks: [1, 1] } }, /body\.blocks/],
      ['hash-blocks', { path: path('hashes'), body: { blocks: [-1] } }, /body\.blocks/],
      ['hash-blocks', { path: path('hashes'), body: { blocks: [0], more: 1 } }, /body/],
      ['hash-blocks', { path: path('hashes') }, /body/],
      ['list-batches', { path: path('batches?limit=501') }, /query\.limit/],
      ['list-batches', { path: path('batches?from=1&from=2') }, /query/],
      ['list-batches', { path: path('batches?cursor=S') }, /cursor/],
      ['list-batches', { path: path(`batches?by=time&cursor=B%23${'0'.repeat(16)}%23${'0'.repeat(64)}`) }, /cursor/],
      ['get-block', { path: path('blocks/01') }, /path\.index/],
      ['get-block', { path: path('blocks/0', device.dataset.toUpperCase().replace('0X', '0x')) }, /path\.dataset/],
    ];
    for (const [name, request, wanted] of cases) {
      const answer = await call(name, device.ownerKey, request);
      assert.equal(answer.statusCode, 400, `${request.path} ${answer.body}`);
      assert.match(answer.json.detail, wanted);
    }
  });

  test('a failure inside says nothing outside, and everything in the log', async () => {
    const broken: ServicePorts = {
      ...stores.ports,
      table: {
        ...stores.ports.table,
        put: stores.ports.table.put,
        query: async () => {
          throw new TypeError('secret detail');
        },
      },
    };
    const answer = await call('hash-blocks', device.ownerKey, { path: path('hashes'), body: { blocks: [0] } }, broken);
    assert.equal(answer.statusCode, 500);
    assert.doesNotMatch(answer.body, /secret|TypeError/);
    assert.match(JSON.stringify(stores.lines), /secret detail/);
  });

  test('a store that is down is a 503 that says to try again', async () => {
    const down = async () => {
      throw new StoreUnavailableError('The bucket segments is on fire.');
    };
    const ports = { ...stores.ports, objects: { ...stores.ports.objects, read: down, stream: down } };
    const answer = await call(
      'hash-blocks',
      device.ownerKey,
      { path: path('hashes'), body: { blocks: [0, 1] } },
      ports,
    );
    assert.deepEqual([answer.statusCode, answer.headers['retry-after']], [503, '2']);
    assert.doesNotMatch(answer.body, /fire/);
  });

  test('a request that takes too long ends before its function does', async () => {
    const ports = {
      ...stores.ports,
      objects: {
        ...stores.ports.objects,
        read: async (_key: string, _range: object, signal?: AbortSignal) => {
          await sleep(60_000, null, signal === undefined ? {} : { signal });
          return null;
        },
      },
    };
    const handler = await handlerOf<HttpAnswer>('hash-blocks', ports);
    const body = Buffer.from(JSON.stringify({ blocks: [0] }));
    const event = gatewayEventFromRequest(
      await signed(device.ownerKey, { method: 'POST', path: path('hashes'), body }),
    );
    const answer = await handler(event, { getRemainingTimeInMillis: () => 800 });
    assert.equal(answer.statusCode, 503);
  });
});
