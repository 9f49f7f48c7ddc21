import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import { portsFromEnv } from '../../functions/ports-from-env.ts';
import { eventRows, functionRows, httpRows } from '../../functions/table.ts';
import { createPowertoolsObserver } from '../../lambda/powertools-observer.ts';
import { MAX_PAYLOAD_BYTES } from '../../local/host/host-answer.ts';
import { KMS_CREDENTIALS, startKmsServer } from '../adapters/kms-server.ts';

const ENV = {
  AWS_REGION: 'eu-central-1',
  PLUMBLINE_RPC_URL: 'https://rpc.example/key',
  PLUMBLINE_CHAIN_ID: '1',
  PLUMBLINE_DISSC: `0x${'ab'.repeat(20)}`,
  PLUMBLINE_BUCKET: 'segments',
  PLUMBLINE_TABLE: 'plumbline',
  PLUMBLINE_ANCHOR_QUEUE: 'https://sqs.eu-central-1.amazonaws.com/1/anchor.fifo',
  PLUMBLINE_OWNERS: `{"0x${'cd'.repeat(20)}": 1000}`,
  PLUMBLINE_AUTHORITIES: 'api.example,api2.example',
};

const silent = createLineObserver(() => undefined);

describe('the table of functions', () => {
  test('names a module with both handlers for every function, once', async () => {
    assert.equal(new Set(functionRows.map(({ name }) => name)).size, functionRows.length);
    for (const row of functionRows) {
      assert.ok(existsSync(new URL(`../../functions/${row.module}`, import.meta.url)), row.module);
      assert.equal(row.module, `${row.name}.ts`);
      const module = (await row.load()) as { handler?: unknown; handlerFor: unknown };
      assert.equal(typeof module.handler, 'function', row.name);
      assert.equal(typeof module.handlerFor, 'function', row.name);
    }
  });

  test('keeps every function within 30 s and what Lambda takes', () => {
    for (const { name, limits } of functionRows) {
      assert.ok(limits.timeoutMs < 30_000, name);
      assert.ok(limits.bodyBytes < MAX_PAYLOAD_BYTES / 2, name);
    }
  });

  test('gives the chain’s purse to the anchor only, and writes objects nowhere', () => {
    for (const row of functionRows) {
      assert.equal(row.may.chain === 'record', row.name === 'anchor', row.name);
      assert.ok(!('objects' in row.may) || ['read', 'presign', 'read-presign'].includes(row.may.objects), row.name);
    }
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

describe('the composition root in Lambda', () => {
  test('makes all ports from the environment, reaching for nothing yet', async () => {
    const ports = await portsFromEnv(ENV, silent);
    assert.deepEqual([...ports.settings().owners], [[`0x${'cd'.repeat(20)}`, 1000]]);
    assert.deepEqual(ports.settings().authorities, ['api.example', 'api2.example']);
    assert.equal(ports.ledger.domain.chainId, 1);
    assert.equal(ports.agreements, undefined, 'no agreements without OCASC');
    const ocasc = `0x${'0c'.repeat(20)}`;
    const { agreements } = await portsFromEnv({ ...ENV, PLUMBLINE_OCASC: ocasc }, silent);
    assert.deepEqual(agreements?.domain, { chainId: 1, ocasc });
    assert.equal(ports.grants, undefined, 'no grants without ASC');
    const css = `0x${'c5'.repeat(20)}`;
    const serving = await portsFromEnv({ ...ENV, PLUMBLINE_ASC: ocasc, PLUMBLINE_CSS_ACCOUNT: css }, silent);
    assert.ok(serving.grants !== undefined);
    assert.equal(serving.settings().cssAccount, css);
    assert.equal(serving.recorder, null, 'nobody pays without a key');
  });

  test('records with the key in KMS that the environment names, and says when KMS refuses it', async (t) => {
    const kms = await startKmsServer();
    t.after(() => kms.close());
    const keys = {
      AWS_ENDPOINT_URL_KMS: kms.endpoint,
      AWS_ACCESS_KEY_ID: KMS_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KMS_CREDENTIALS.secretAccessKey,
    };
    const before = Object.keys(keys).map((name) => [name, process.env[name]] as const);
    t.after(() => {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    });
    Object.assign(process.env, keys);
    const { recorder, settings } = await portsFromEnv({ ...ENV, PLUMBLINE_RELAYER_KEY_ID: kms.keyId }, silent);
    assert.match(String(recorder?.account), /^0x[0-9a-f]{40}$/);
    assert.equal(settings().cssAccount, recorder?.account, 'repaid as it records');
    await assert.rejects(portsFromEnv({ ...ENV, PLUMBLINE_RELAYER_KEY_ID: 'another' }, silent), /NotFoundException/);
  });

  test('reads the token of the IPFS node from the secret that is named, with the credentials of the function', async (t) => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(String(request.headers['x-amz-target']));
      if (asked.length === 1) response.end(JSON.stringify({ SecretString: 'open sesame' }));
      else response.writeHead(400).end(JSON.stringify({ __type: 'AccessDeniedException' }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close().closeAllConnections());
    const env = {
      ...{ ...ENV, PLUMBLINE_IPFS_API: 'https://kubo.example', PLUMBLINE_IPFS_TOKEN_SECRET: 'arn:token' },
      AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    };
    await assert.rejects(portsFromEnv(env, silent), /credentials/);
    const credentials = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key', AWS_SESSION_TOKEN: 'token' };
    assert.ok((await portsFromEnv({ ...env, ...credentials }, silent)).p2pfs !== undefined);
    assert.deepEqual(asked, ['secretsmanager.GetSecretValue']);
    await assert.rejects(portsFromEnv({ ...env, ...credentials }, silent), /AccessDeniedException/);
  });

  test('names what is missing or malformed, never a value', async () => {
    for (const name of Object.keys(ENV).filter((one) => one !== 'PLUMBLINE_ANCHOR_QUEUE')) {
      await assert.rejects(
        portsFromEnv({ ...ENV, [name]: undefined }, silent),
        (error: Error) => error.message.includes(name) && !error.message.includes('rpc.example'),
      );
    }
    await assert.rejects(portsFromEnv({ ...ENV, PLUMBLINE_OWNERS: '{"0xAB": 1}' }, silent), /PLUMBLINE_OWNERS/);
  });

  test('a function without its environment fails its invocation, and the next one may succeed', async () => {
    const { handler } = (await eventRows['ingest-segment'].load()) as unknown as {
      handler: (event: unknown, context: unknown) => Promise<{ batchItemFailures: unknown[] }>;
    };
    await assert.rejects(handler({ Records: [] }, context()), /environment lacks/);
    Object.assign(process.env, ENV);
    try {
      assert.deepEqual(await handler({ Records: [] }, context()), { batchItemFailures: [] });
    } finally {
      for (const name of Object.keys(ENV)) delete process.env[name];
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
