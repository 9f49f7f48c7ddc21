import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { contentPolicy, namedOrigin } from '../../core/wire/content-policy.ts';
import { writeConsole } from '../../dev/console/build-console.ts';
import { refuseChainQuestion } from '../../local/console/check-chain-question.ts';
import { openConsoleSite } from '../../local/console/console-site.ts';

const DISSC = `0x${'d1'.repeat(20)}`;
const OTHER = `0x${'0e'.repeat(20)}`;
const ask = (method: string, params: unknown[] = []) => ({ jsonrpc: '2.0', id: 1, method, params });

/** A node and a bucket that say what they were asked. */
let part: Server;
let site: Server;
let origin: string;
let partOrigin: string;

before(async () => {
  await writeConsole();
  part = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    response.end(JSON.stringify({ url: request.url, range: request.headers.range ?? null, body }));
  });
  partOrigin = await listen(part);
  const console = openConsoleSite({
    rpcUrl: `${partOrigin}/secret`,
    objects: {
      presignGet: async (key) => ({
        method: 'GET',
        url: `${partOrigin}/bucket/${key}?X-Amz-Signature=1`,
        headers: {},
        expiresAtMs: 0,
      }),
    },
    place: {
      ...{ chainId: 31_337, finalDepth: null, dissc: DISSC, ocasc: null, asc: null, fromBlock: 0, anchorer: null },
      ...{ isOneOperator: true, roundLimitMs: 60_000 },
    },
  });
  site = createServer((request, response) => void console.serve(request, response));
  origin = await listen(site);
});

after(() => {
  site.close();
  part.close();
  site.closeAllConnections();
  part.closeAllConnections();
});

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const post = (body: unknown, type = 'application/json') =>
  fetch(`${origin}/console/chain`, { method: 'POST', headers: { 'content-type': type }, body: JSON.stringify(body) });

test('/ leads to the console with what it was asked with; its files have the policy, and there are no others', async () => {
  const moved = await fetch(`${origin}/?rpc=x`, { redirect: 'manual' });
  assert.equal(moved.status, 302);
  assert.equal(moved.headers.get('location'), '/console/?rpc=x');
  for (const file of ['', 'console.js', 'worker.js', 'console.css']) {
    const response = await fetch(`${origin}/console/${file}`);
    assert.equal(response.status, 200, file);
    assert.equal(response.headers.get('content-security-policy'), contentPolicy([]));
    assert.ok((await response.text()).length > 100);
  }
  for (const path of ['nothing.js', '..%2fplace.json', '%2e%2e%2f%2e%2e%2fpackage.json']) {
    assert.equal((await fetch(`${origin}/console/${path}`)).status, 404, path);
  }
  const page = await (await fetch(`${origin}/console/`)).text();
  assert.doesNotMatch(page, /<script(?![^>]* src=)|<style|style=|onload=/);
});

test('a named node is in the policy by its origin alone, and nothing that is no origin is', async () => {
  const named = await fetch(`${origin}/console/worker.js?rpc=${encodeURIComponent('https://node.example:8545/key')}`);
  assert.match(named.headers.get('content-security-policy') ?? '', /connect-src 'self' https:\/\/node\.example:8545;/);
  for (const bad of ['javascript:alert(1)', "https://x; script-src 'unsafe-inline'", 'data:,x', '*', 'https://*']) {
    assert.equal(namedOrigin(`/?rpc=${encodeURIComponent(bad)}`), null, bad);
  }
});

test('the chain is asked what the console reads, and nothing else', async () => {
  const taken = await post([ask('eth_chainId'), ask('eth_call', [{ to: DISSC, data: '0x' }, 'latest'])]);
  assert.equal(taken.status, 200);
  const said = (await taken.json()) as { url: string; body: string };
  assert.equal(said.url, '/secret');
  assert.equal(JSON.parse(said.body).length, 2);
  const refused = [
    ask('eth_sendRawTransaction', ['0x']),
    ask('eth_accounts'),
    ask('anvil_setBalance', [OTHER, '0x1']),
    ask('debug_traceCall', [{ to: DISSC }]),
    ask('eth_call', [{ to: OTHER, data: '0x' }, 'latest']),
    ask('eth_call', [{ data: '0x' }, 'latest']),
    ask('eth_call', [{ to: DISSC }, 'latest', { [DISSC]: { code: '0x' } }]),
    ask('eth_getLogs', [{ fromBlock: '0x0' }]),
    ask('eth_getLogs', [{ address: [DISSC, OTHER] }]),
    [ask('eth_chainId'), ask('eth_mining')],
  ];
  for (const one of refused) assert.equal((await post(one)).status, 403, JSON.stringify(one));
  assert.equal((await post(ask('eth_chainId'), 'text/plain')).status, 400);
  assert.equal((await fetch(`${origin}/console/chain`)).status, 405);
  assert.equal((await post({ big: 'x'.repeat(2_200_000) })).status, 413);
  assert.notEqual(refuseChainQuestion('[]', [DISSC]), null);
  assert.notEqual(refuseChainQuestion(JSON.stringify(Array(101).fill(ask('eth_chainId'))), [DISSC]), null);
});

test('of the bucket presigned reads are passed on, with their range, and nothing leads elsewhere', async () => {
  const read = await fetch(`${origin}/console/bucket/segments/a.car?X-Amz-Signature=9`, {
    headers: { range: 'bytes=0-9' },
  });
  assert.deepEqual(await read.json(), { url: '/segments/a.car?X-Amz-Signature=9', range: 'bytes=0-9', body: '' });
  assert.equal((await fetch(`${origin}/console/bucket/segments/a.car`)).status, 403);
  for (const path of ['/evil.example/x', '\\evil.example/x', 'http://evil.example/x']) {
    const answer = await fetch(`${origin}/console/bucket/${path}?X-Amz-Signature=9`);
    const text = await answer.text();
    assert.ok(answer.status === 403 || text.includes('"url":"/'), `${path}: ${answer.status} ${text.slice(0, 80)}`);
  }
});

test('it says where chain and contracts are, and no secret', async () => {
  const text = await (await fetch(`${origin}/console/place.json`)).text();
  assert.equal(JSON.parse(text).bucketOrigin, partOrigin);
  assert.doesNotMatch(text, /secret/);
});
