import assert from 'node:assert/strict';
import { readlink } from 'node:fs/promises';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { hasTable } from '../../adapters/dynamodb/create-table.ts';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { hideListener } from '../../local/stack/hide-listener.ts';
import { type RunningAnvil, startAnvil } from '../../local/stack/start-anvil.ts';
import { type RunningDynalite, startDynalite } from '../../local/stack/start-dynalite.ts';

const GIVE = JSON.stringify({
  ...{ jsonrpc: '2.0', id: 1, method: 'anvil_setBalance' },
  params: [`0x${'11'.repeat(20)}`, '0x1'],
});
const ASK = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] });

/** As a page or a program sends it: fetch sets Host and Origin itself. */
async function post(url: string, body: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method: 'POST', headers: { 'content-type': 'application/json', ...headers } },
      (got) => {
        got.resume();
        resolve(got.statusCode ?? 0);
      },
    );
    sent.on('error', reject).end(body);
  });
}

describe("the local chain's door", () => {
  let anvil: RunningAnvil;
  let rpc: ReturnType<typeof createJsonRpc>;
  before(async () => {
    anvil = await startAnvil({ stateFile: null, mining: 'instant' });
    rpc = createJsonRpc(anvil);
  });
  after(() => anvil.stop());
  const balance = async () => rpc.call('eth_getBalance', [`0x${'11'.repeat(20)}`, 'latest']);

  test('a web page is refused, even one that knows the address', async () => {
    const { origin } = new URL(anvil.rpcUrl);
    for (const page of ['https://evil.example', 'null', origin]) {
      assert.equal(await post(anvil.rpcUrl, GIVE, { origin: page }), 403, page);
    }
    const preflight = await fetch(anvil.rpcUrl, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    assert.equal(preflight.headers.get('access-control-allow-origin'), null);
    assert.equal(preflight.status, 403);
    assert.equal(await balance(), '0x0');
  });

  test('a name that was rebound to this machine is refused', async () => {
    const { port } = new URL(anvil.rpcUrl);
    for (const host of ['evil.example', `evil.example:${port}`, `localhost:${port}`, '127.0.0.1']) {
      const status = await post(anvil.rpcUrl, GIVE, { host });
      assert.ok(status === 403 || status === 400, `${host}: ${status}`);
    }
    assert.equal(await balance(), '0x0');
  });

  test('who does not know the secret of the address gets nothing', async () => {
    const { origin, pathname } = new URL(anvil.rpcUrl);
    for (const path of ['/', '', `${pathname}x`, pathname.slice(0, -1), '/rpc']) {
      assert.equal(await post(`${origin}${path}`, ASK, {}), 403, path);
    }
    assert.equal(await post(anvil.rpcUrl, ASK, {}), 200);
  });

  test('the address that devices have takes what nodes answer, and nothing that changes the chain', async () => {
    const anyone = createJsonRpc({ rpcUrl: anvil.publicRpcUrl, chainId: anvil.chainId });
    assert.equal(await anyone.call('eth_blockNumber', []), await rpc.call('eth_blockNumber', []));
    const forbidden = [
      'anvil_setBalance',
      'evm_mine',
      'evm_revert',
      'hardhat_setCode',
      'debug_traceCall',
      'txpool_content',
    ];
    for (const method of [
      ...forbidden,
      'eth_sendTransaction',
      'eth_signTransaction',
      'eth_accounts',
      'ANVIL_SETBALANCE',
    ]) {
      await assert.rejects(anyone.call(method, []), { name: 'RpcRefusedError', code: -32601 }, method);
    }
    const hidden = `[${ASK},${GIVE}]`;
    assert.equal(await post(anvil.publicRpcUrl, hidden, {}), 200);
    for (const odd of [
      GIVE.replace('method', 'meth\\u006fd'),
      `${GIVE.slice(0, -1)},"method":"eth_chainId"}`,
      '{',
      '[[]]',
    ]) {
      await post(anvil.publicRpcUrl, odd, {});
      assert.equal(await balance(), '0x0', odd);
    }
    assert.equal(await balance(), '0x0');
  });

  test('anvil itself listens where no other user is', async (t) => {
    if (!hideListener().hidden) return t.skip('no network namespaces for users here: the stack says so when it starts');
    const here = await readlink('/proc/self/ns/net');
    assert.notEqual(await readlink(`/proc/${anvil.pid}/ns/net`), here);
  });

  test('its state of a mebibyte comes through whole', async () => {
    const code = `0x${'5b'.repeat(500_000)}`;
    const address = `0x${'22'.repeat(20)}`;
    await rpc.call('anvil_setCode', [address, code]);
    assert.equal(await rpc.call('eth_getCode', [address, 'latest']), code);
  });
});

describe("the embedded table's door", () => {
  let table: RunningDynalite;
  const credentials = { accessKeyId: 'PLTABLE', secretAccessKey: 'a secret of this test' };
  before(async () => {
    table = await startDynalite({ folder: null, credentials });
  });
  after(() => table.stop());
  const list = { 'x-amz-target': 'DynamoDB_20120810.ListTables', 'content-type': 'application/x-amz-json-1.0' };

  test('another user, a page and a rebound name get nothing', async () => {
    const forged =
      'AWS4-HMAC-SHA256 Credential=a/20261130/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00';
    for (const headers of [
      {},
      { authorization: forged },
      { origin: 'https://evil.example' },
      { host: 'evil.example' },
    ]) {
      const status = await post(table.endpoint, '{}', { ...list, 'x-amz-date': '20261130T000000Z', ...headers });
      assert.ok(status === 403 || status === 400, `${JSON.stringify(headers)}: ${status}`);
    }
    assert.notEqual((await fetch(table.endpoint)).status, 200);
    const wrong = { ...credentials, secretAccessKey: 'another' };
    const thief = createDynamoClient({ region: 'us-east-1', endpoint: table.endpoint, credentials: wrong });
    await assert.rejects(hasTable(thief, 'plumbline'), { name: 'StoreUnavailableError' });
    thief.destroy();
    const keeper = createDynamoClient({ region: 'us-east-1', endpoint: table.endpoint, credentials });
    assert.equal(await hasTable(keeper, 'plumbline'), false);
    keeper.destroy();
  });
});
