import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import * as z from 'zod';
import { DefectError } from '../../core/errors.ts';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import { portsOf, type ServicePorts } from '../../functions/ports.ts';
import type { EventRow, FunctionRow, HttpRow } from '../../functions/row.ts';
import { eventRows, type FunctionName, functionRows, httpRows } from '../../functions/table.ts';
import { Environment } from '../../lambda/environment.ts';
import { createPowertoolsObserver } from '../../lambda/powertools-observer.ts';
import { MAX_PAYLOAD_BYTES } from '../../local/host/host-answer.ts';
import { loadHandler } from '../../local/host/invoke-function.ts';
import { kmsForTest } from './kms-for-test.ts';
import { entryOf, openPortsOf } from './lambda-ports.ts';
import { type HeldSecrets, RPC_SECRET, secretsForTest, startSecrets } from './secrets-for-test.ts';
import { serviceSettings } from './service-settings.ts';

const ENV = {
  AWS_REGION: 'eu-central-1',
  PLUMBLINE_RPC_SECRET: RPC_SECRET,
  PLUMBLINE_CHAIN_ID: '1',
  PLUMBLINE_DISSC: `0x${'ab'.repeat(20)}`,
  PLUMBLINE_BUCKET: 'segments',
  PLUMBLINE_TABLE: 'plumbline',
  PLUMBLINE_ANCHOR_QUEUE: 'https://sqs.eu-central-1.amazonaws.com/1/anchor.fifo',
  PLUMBLINE_AUTHORITIES: 'api.example,api2.example',
};

describe('the table of functions', () => {
  test('names every function once, by its file and by its entry in Lambda', async () => {
    assert.equal(new Set(functionRows.map(({ name }) => name)).size, functionRows.length);
    for (const [name, row] of Object.entries<FunctionRow>({ ...httpRows, ...eventRows })) assert.equal(row.name, name);
    for (const row of functionRows) {
      assert.equal(typeof (await loadHandler(row)), 'function', row.name);
      assert.equal(typeof (await entryOf(row.name)), 'function', row.name);
    }
    const filesIn = (folder: string) =>
      readdirSync(new URL(`../../${folder}/`, import.meta.url)).filter((file) => file.endsWith('.ts'));
    const named = functionRows.map(({ name }) => `${name}.ts`);
    const beside = ['ports.ts', 'row.ts', 'table.ts'];
    assert.deepEqual(filesIn('functions').sort(), [...named, ...beside].sort(), 'no function without a row');
  });

  test('gives a path’s parameters to the request, each of them, and no others', () => {
    for (const { name, trigger, request } of Object.values<HttpRow>(httpRows)) {
      const inPath = [...trigger.path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
      const described = z.toJSONSchema(request.params, { io: 'input', unrepresentable: 'any' }) as {
        properties?: object;
      };
      assert.deepEqual(Object.keys(described.properties ?? {}).sort(), inPath.sort(), name);
    }
  });

  test('says how long an address that is given away is good: 15 minutes to upload, 15 seconds to fetch', () => {
    const presigning = functionRows.flatMap(({ name, limits }) =>
      limits.presignedSeconds === undefined ? [] : [[name, limits.presignedSeconds]],
    );
    assert.deepEqual(presigning, [
      ['upload-segment', 900],
      ['get-segment', 15],
    ]);
  });

  test('gives each function the time, the body and the memory that were decided on', () => {
    const [fetching, hashing] = [512, 1_769];
    const decided: Partial<Record<FunctionName, readonly [timeoutMs: number, bodyBytes: number, memoryMb: number]>> = {
      'upload-segment': [29_000, 4_096, fetching],
      'list-batches': [20_000, 0, fetching],
      'hash-blocks': [29_000, 32_768, hashing],
      'prove-chunks': [29_000, 65_536, hashing],
      'get-block': [20_000, 0, fetching],
      'get-segment': [20_000, 0, fetching],
      'publish-segment': [29_000, 0, hashing],
      'get-records': [29_000, 32_768, hashing],
      'get-anchor': [20_000, 0, fetching],
      'put-charter': [20_000, 2_048, fetching],
      'put-description': [20_000, 12_288, fetching],
      'get-descriptions': [20_000, 4_096, fetching],
      'put-request': [20_000, 8_192, fetching],
      'list-requests': [20_000, 0, fetching],
      'store-voucher': [20_000, 1_024, fetching],
      'get-voucher': [20_000, 0, fetching],
      'post-message': [20_000, 132_096, fetching],
      'list-messages': [20_000, 0, fetching],
      'get-openapi': [10_000, 0, fetching],
      'ingest-segment': [29_000, 262_144, hashing],
      'segment-removed': [29_000, 262_144, fetching],
      anchor: [29_000, 262_144, hashing],
      'reconcile-segments': [29_000, 262_144, hashing],
    };
    for (const { name, limits } of functionRows) {
      // A function that is new decides for itself.
      const found = [limits.timeoutMs, limits.bodyBytes, limits.memoryMb];
      assert.deepEqual(found, decided[name] ?? found, name);
    }
  });

  test('keeps messages for two weeks or until the next wake-up would say the same, and gives up on none too soon', () => {
    const queues = Object.values<EventRow>(eventRows).map(({ name, trigger: { queue } }) => [
      name,
      ...[queue.batch, queue.atOnce, queue.receives, queue.keptSeconds],
    ]);
    assert.deepEqual(queues.slice(0, 3), [
      ['ingest-segment', 5, 4, 5, 1_209_600],
      ['segment-removed', 5, 2, 5, 1_209_600],
      ['anchor', 10, null, 3, 3_600],
    ]);
    assert.equal(eventRows.anchor.trigger.everyMs, 60_000);
  });

  test('keeps every function within 30 s and what Lambda takes', () => {
    for (const { name, limits } of functionRows) {
      assert.ok(limits.timeoutMs < 30_000, name);
      assert.ok(limits.bodyBytes < MAX_PAYLOAD_BYTES / 2, name);
    }
  });

  test('gives the chain’s purse to the anchor only, and lets two functions write objects: tiles and charters', () => {
    for (const row of functionRows) {
      assert.equal(row.may.dissc === 'record' || row.may.asc === 'record', row.name === 'anchor', row.name);
    }
    const withRight = (right: string) =>
      functionRows.filter(({ may }) => may.objects === right).map(({ name }) => name);
    assert.deepEqual(withRight('read-put'), ['put-charter', 'anchor']);
    assert.deepEqual(withRight('read-presign-put'), ['upload-segment']);
    assert.deepEqual(withRight('read-list-aside'), ['reconcile-segments'], 'it alone removes objects');
  });

  test('lets strangers change nothing but by an owner’s signature, and what they wish for in bounded places', () => {
    const open = functionRows.filter(({ callers }) => callers === 'anyone');
    assert.deepEqual(
      open.filter(({ may }) => may.table === 'read-write').map(({ name }) => name),
      ['put-charter', 'put-description', 'put-request'],
    );
  });

  test('gives a table that can be written to every function that burns nonces', () => {
    for (const row of Object.values(httpRows)) {
      if (row.callers !== 'anyone') assert.equal(row.may.table, 'read-write', row.name);
    }
  });

  test('lets the two hashing functions be invoked, and no other', () => {
    assert.deepEqual(
      functionRows.filter(({ invoke }) => invoke).map(({ name }) => name),
      ['hash-blocks', 'prove-chunks'],
    );
  });
});

describe('the entries in Lambda', () => {
  let held: HeldSecrets;
  before(async () => {
    held = await startSecrets();
  });
  after(() => held.close());
  const open = (name: FunctionName, env: Readonly<Record<string, string | undefined>>) =>
    openPortsOf(name, { ...held.env, ...env });

  test('open all ports of a row from the environment, reaching for nothing yet but secrets', async () => {
    const ports = await open('get-block', ENV);
    assert.deepEqual(ports.settings().authorities, ['api.example', 'api2.example']);
    assert.equal(ports.settings().chainId, 1);
    assert.equal(ports.ledger?.domain.chainId, 1);
    assert.equal(ports.agreements, null, 'no agreements without OCASC');
    const ocasc = `0x${'0c'.repeat(20)}`;
    const { agreements } = await open('get-block', { ...ENV, PLUMBLINE_OCASC: ocasc });
    assert.deepEqual(agreements?.domain, { chainId: 1, ocasc });
    assert.equal(ports.grants, null, 'no grants without ASC');
    const css = `0x${'c5'.repeat(20)}`;
    const serving = await open('get-block', { ...ENV, PLUMBLINE_ASC: ocasc, PLUMBLINE_CSS_ACCOUNT: css });
    assert.ok(serving.grants != null);
    assert.equal(serving.settings().cssAccount, css);
    assert.ok(!('recorder' in serving), 'nobody pays but who records');
  });

  test('open nothing that the row has nothing to do with, whatever the environment says', async () => {
    const all = { ...ENV, PLUMBLINE_OCASC: `0x${'0c'.repeat(20)}`, PLUMBLINE_ASC: `0x${'a5'.repeat(20)}` };
    for (const row of functionRows) {
      if (row.may.dissc === 'record') continue;
      const ports = await open(row.name, all);
      const allowed = Object.keys(portsOf(row, ports as ServicePorts));
      assert.deepEqual(Object.keys(ports).sort(), allowed.sort(), row.name);
      assert.equal('owners' in ports, row.may.owners !== undefined, row.name);
      assert.equal('authorities' in ports.settings(), row.trigger.kind === 'http', row.name);
      assert.equal('fromBlock' in ports.settings(), row.may.dissc !== undefined, row.name);
    }
  });

  test('are told of no setting but those of the row, on any host', async () => {
    const decided = serviceSettings({ authorities: ['api.example'] });
    const all = { settings: () => decided } as ServicePorts;
    const rows: Readonly<Record<FunctionName, FunctionRow>> = { ...httpRows, ...eventRows };
    const settings = (name: FunctionName) => {
      const ports = portsOf(rows[name], all) as Pick<ServicePorts, 'settings'>;
      return Object.keys(ports.settings()).sort();
    };
    assert.deepEqual(settings('get-openapi'), ['authorities']);
    assert.deepEqual(settings('get-anchor'), ['authorities']);
    assert.deepEqual(settings('list-batches'), ['authorities', 'chainId', 'fromBlock']);
    assert.deepEqual(settings('get-voucher'), ['authorities', 'chainId', 'cssAccount', 'grants']);
    assert.deepEqual(settings('ingest-segment'), ['cssAccount', 'fromBlock', 'grants']);
    assert.deepEqual(settings('anchor'), [
      'cssAccount',
      'fromBlock',
      'grants',
      'keepRoundsMs',
      'recordEveryMs',
      'roundEveryMs',
    ]);
  });

  test('read no variable but those of the row', () => {
    const env = new Environment(
      httpRows['get-openapi'],
      ENV,
      createLineObserver(() => undefined),
    );
    assert.equal(env.text('PLUMBLINE_AUTHORITIES'), 'api.example,api2.example');
    assert.throws(() => env.text('PLUMBLINE_RPC_SECRET'), DefectError);
    assert.throws(
      () => env.optional('PLUMBLINE_TABLE', env.text),
      /The row of get-openapi does not allow PLUMBLINE_TABLE/,
    );
  });

  test('record with the key in KMS that the environment names, and say when KMS refuses it', async (t) => {
    const keyId = await kmsForTest(t);
    const { recorder, settings } = await open('anchor', { ...ENV, PLUMBLINE_RELAYER_KEY_ID: keyId });
    assert.match(String(recorder?.account), /^0x[0-9a-f]{40}$/);
    assert.equal(settings().cssAccount, recorder?.account, 'repaid as it records');
    await assert.rejects(open('anchor', { ...ENV, PLUMBLINE_RELAYER_KEY_ID: 'another' }), /NotFoundException/);
    await assert.rejects(open('anchor', ENV), /PLUMBLINE_RELAYER_KEY_ID/);
  });

  test('read the token of the IPFS node from the secret that is named, with the credentials of the function', async (t) => {
    const { env, asked } = await secretsForTest(t, { 'arn:token': 'open sesame' });
    const named = { ...ENV, ...env, PLUMBLINE_IPFS_API: 'https://kubo.example' };
    const publishing = { ...named, PLUMBLINE_IPFS_TOKEN_SECRET: 'arn:token' };
    await assert.rejects(open('publish-segment', { ...publishing, AWS_ACCESS_KEY_ID: undefined }), /credentials/);
    assert.ok((await open('publish-segment', publishing)).p2pfs != null);
    assert.deepEqual(asked.map(({ SecretId }) => SecretId).sort(), [RPC_SECRET, 'arn:token']);
    const other = { ...publishing, PLUMBLINE_IPFS_TOKEN_SECRET: 'arn:another' };
    await assert.rejects(open('publish-segment', other), /AccessDeniedException/);
  });

  test('ask the nodes that the secret names, in the version that is named, once for all contracts', async (t) => {
    const nodes = 'https://one.example/key, https://two.example\n';
    const { env, asked } = await secretsForTest(t, { [RPC_SECRET]: nodes });
    const contracts = { PLUMBLINE_OCASC: `0x${'0c'.repeat(20)}`, PLUMBLINE_ASC: `0x${'a5'.repeat(20)}` };
    const version = 'a'.repeat(32);
    await open('get-block', { ...ENV, ...env, ...contracts, PLUMBLINE_RPC_SECRET_VERSION: version });
    assert.deepEqual(asked, [{ SecretId: RPC_SECRET, VersionId: version }]);
  });

  test('refuse a secret that holds anything but addresses of nodes, and do not repeat it', async (t) => {
    for (const held of [
      'hunter2',
      'https://rpc.example hunter2',
      'ftp://hunter2',
      ' ',
      'https://a.example,'.repeat(17),
    ]) {
      const { env } = await secretsForTest(t, { [RPC_SECRET]: held });
      await assert.rejects(
        open('get-block', { ...ENV, ...env }),
        (error: Error) => /does not hold 1 to 16 URLs/.test(error.message) && !error.message.includes('hunter2'),
      );
    }
  });

  test('name what is missing or malformed, never a value', async () => {
    for (const name of Object.keys(ENV)) {
      await assert.rejects(
        open('upload-segment', { ...ENV, [name]: undefined }),
        (error: Error) => error.message.includes(name) && !error.message.includes('rpc.example'),
      );
    }
  });

  test('a function without its environment fails its invocation, and the next one may succeed', async () => {
    const handler = await entryOf('ingest-segment');
    await assert.rejects(handler({ Records: [] }, context()), /environment lacks/);
    Object.assign(process.env, ENV, held.env);
    try {
      assert.deepEqual(await handler({ Records: [] }, context()), { batchItemFailures: [] });
    } finally {
      for (const name of Object.keys({ ...ENV, ...held.env })) delete process.env[name];
    }
  });
});

test('the observer of Lambda is quiet about traces outside of it, and its middleware lets events through', async () => {
  const observer = createPowertoolsObserver('test', false);
  assert.equal(observer.middleware.length, 3);
  observer.count('Answered');
  observer.info('seen', { key: 'k' });
});

function context() {
  return {
    getRemainingTimeInMillis: () => 5_000,
    functionName: 'x',
    memoryLimitInMB: '1',
    invokedFunctionArn: 'arn',
    awsRequestId: 'r',
  };
}
