import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { askLogs } from '../../adapters/ethereum/ask-logs.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createJsonRpc, type JsonRpcOptions, type OtherNode } from '../../adapters/ethereum/json-rpc.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import { type Asked, type Dialect, startForeignNode } from './foreign-node.ts';
import { SELF_SIGNED } from './self-signed.ts';

/* What hosted nodes do to those who ask: limits of rate and of range, keys in the URL, pages of gateways in between. */

const DATASET = `0x${'22'.repeat(32)}` as DatasetId;
const DISSC = `0x${'11'.repeat(20)}` as Address;
const CHAIN_ID = 31337;

async function nodeOf(t: TestContext, dialect: Dialect) {
  const answer = (asked: Asked) =>
    asked.method === 'eth_chainId' ? { result: '0x7a69' } : (dialect.answer?.(asked) ?? { result: '0x1' });
  const node = await startForeignNode(null, { ...dialect, answer });
  t.after(() => node.stop());
  return node;
}

const rpcOf = (rpcUrl: string, more: Partial<JsonRpcOptions> = {}) =>
  createJsonRpc({ rpcUrl, chainId: CHAIN_ID, ...more });

/** A clock that stands still, but for what is slept by it. */
function jumpingClock() {
  const slept: number[] = [];
  return {
    slept,
    monotonicMs: () => slept.reduce((sum, ms) => sum + ms, 0),
    async sleep(ms: number): Promise<void> {
      slept.push(ms);
    },
  };
}

describe('a node that has had too many requests', () => {
  for (const [what, headers, body] of [
    [
      'as JSON',
      { 'content-type': 'application/json' },
      '{"jsonrpc":"2.0","id":0,"error":{"code":-32005,"message":"slow down"}}',
    ],
    ['as text', { 'content-type': 'text/plain' }, 'Too Many Requests'],
    ['as a page', { 'content-type': 'text/html' }, '<html>429</html>'],
    ['with nothing', {}, ''],
  ] as const) {
    test(`is given the second that it asks for, ${what}`, async (t) => {
      let refusals = 0;
      const node = await nodeOf(t, {
        first(response) {
          if (refusals++ > 0) return false;
          response.writeHead(429, { ...headers, 'retry-after': '1' }).end(body);
          return true;
        },
      });
      const startedMs = performance.now();
      assert.equal(await rpcOf(node.rpcUrl).call('eth_gasPrice', []), '0x1');
      assert.ok(performance.now() - startedMs >= 990);
      assert.equal(node.bodies(), 3);
    });
  }

  for (const code of [429, -32005]) {
    test(`may say so by the error's code alone (${code})`, async (t) => {
      let refusals = 0;
      const node = await nodeOf(t, {
        answer: ({ method }) =>
          method === 'eth_gasPrice' && refusals++ === 0 ? { error: { code, message: 'enough' } } : undefined,
      });
      assert.equal(await rpcOf(node.rpcUrl).call('eth_gasPrice', []), '0x1');
    });
  }

  test('is waited for by the clock that is given: no other time passes', async (t) => {
    let refusals = 0;
    const node = await nodeOf(t, {
      first(response) {
        if (refusals++ > 0) return false;
        response.writeHead(429, { 'retry-after': '600' }).end();
        return true;
      },
    });
    const clock = jumpingClock();
    const patience = { patienceMs: 3_600_000, runtime: clock };
    assert.equal(await rpcOf(node.rpcUrl, patience).call('eth_gasPrice', []), '0x1');
    assert.deepEqual(clock.slept, [600_000]);
  });

  test('and that answers for no events now is asked again by the clock that is given', async (t) => {
    const node = await nodeOf(t, {
      answer: ({ method }) => (method === 'eth_getLogs' ? { error: { code: -32603, message: 'not now' } } : undefined),
    });
    const clock = jumpingClock();
    const rpc = rpcOf(node.rpcUrl, { runtime: clock });
    await assert.rejects(askLogs(rpc, { address: DISSC, topics: [] }, { from: 7, to: 7 }, 3_600_000), {
      name: 'LedgerUnavailableError',
      message: /the events of blocks 7 to 7 within 3\d{3} s/,
    });
    assert.deepEqual(clock.slept.slice(0, 5), [250, 500, 1000, 2000, 2000]);
  });

  test('is not waited for beyond all patience, and what it asks for is said', async (t) => {
    const node = await nodeOf(t, {
      first(response) {
        response.writeHead(429, { 'retry-after': '3600' }).end();
        return true;
      },
    });
    await assert.rejects(rpcOf(node.rpcUrl, { patienceMs: 5000 }).call('eth_gasPrice', []), {
      name: 'LedgerUnavailableError',
      message: /127\.0\.0\.1:\d+ has had too many requests \(HTTP 429\) and asks callers to wait 3600 s/,
    });
    assert.equal(node.bodies(), 1);
  });
});

describe('batches', () => {
  for (const batches of ['error', 'page', 'cut'] as const) {
    test(`a node that answers them with ${batches} is asked one by one`, async (t) => {
      const node = await nodeOf(t, { batches, answer: ({ params }) => ({ result: params[0] }) });
      const rpc = rpcOf(node.rpcUrl);
      const many = Array.from({ length: 7 }, (_, i) => ({ method: 'eth_getBalance', params: [`0x${i}`] }));
      const wanted = many.map(({ params }) => params[0]);
      assert.deepEqual(await rpc.callMany(many), wanted);
      const asked = node.bodies();
      assert.deepEqual(await rpc.callMany(many), wanted);
      // Nobody offers a batch again to a node that took none.
      if (batches !== 'cut') assert.equal(node.bodies(), asked + 7);
    });
  }

  test('what a batch refuses counts once it is refused alone', async (t) => {
    let refusals = 0;
    const node = await nodeOf(t, {
      answer: ({ params }) =>
        params[0] === '0x3' && refusals++ === 0
          ? { error: { code: -32003, message: 'response too large' } }
          : { result: params[0] },
    });
    const many = ['0x1', '0x2', '0x3'].map((one) => ({ method: 'eth_getBalance', params: [one] }));
    assert.deepEqual(await rpcOf(node.rpcUrl).callMany(many), ['0x1', '0x2', '0x3']);
  });
});

describe('what stands between us and a node', () => {
  test('user and password in the URL are sent as basic authentication, and said to nobody', async (t) => {
    const seen: unknown[] = [];
    const node = await nodeOf(t, {
      first(response, { authorization }) {
        seen.push(authorization);
        if (seen.length < 3) return false;
        response.writeHead(401, { 'content-type': 'text/plain' }).end('no');
        return true;
      },
    });
    const rpc = rpcOf(node.rpcUrl.replace('http://', 'http://some%40one:p%3Ass@'));
    assert.equal(await rpc.call('eth_gasPrice', []), '0x1');
    assert.equal(seen[0], `Basic ${Buffer.from('some@one:p:ss').toString('base64')}`);
    await assert.rejects(rpc.call('eth_gasPrice', []), (error: unknown) => {
      assert.ok(error instanceof LedgerUnavailableError);
      assert.match(error.message, /requires a valid key \(HTTP 401\)/);
      assert.ok(!JSON.stringify([error, error.message]).includes('p:ss') && !error.message.includes('one'));
      return true;
    });
  });

  for (const [status, says] of [
    [200, /answers with a web page \(HTTP 200\), not with JSON-RPC/],
    [404, /answers with a web page \(HTTP 404\)/],
    [407, /HTTP 407, when a proxy wants a user and password/],
    [301, /redirects elsewhere \(HTTP 301\)/],
    [502, /failed, or the gateway in front of it did \(HTTP 502\)/],
  ] as const) {
    test(`a page with status ${status} is named, with the address`, async (t) => {
      const node = await nodeOf(t, {
        first(response) {
          response.writeHead(status, { 'content-type': 'text/html' }).end('<!doctype html><html></html>');
          return true;
        },
      });
      await assert.rejects(rpcOf(node.rpcUrl).call('eth_gasPrice', []), (error: unknown) => {
        assert.ok(error instanceof LedgerUnavailableError);
        assert.match(error.message, says);
        assert.ok(error.message.includes(new URL(node.rpcUrl).host));
        return true;
      });
    });
  }

  test('a certificate that nobody here trusts, TLS where there is none, and a name without an address are named as such', async (t) => {
    const server = createServer(SELF_SIGNED, (_, response) => response.end('{}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const plain = await nodeOf(t, {});
    for (const [rpcUrl, says] of [
      [
        `https://127.0.0.1:${port}`,
        /does not trust whoever signed the TLS certificate of 127\.0\.0\.1:\d+.*NODE_EXTRA_CA_CERTS/,
      ],
      [plain.rpcUrl.replace('http:', 'https:'), /does not speak TLS at this port/],
      ['http://nowhere.invalid:8545', /DNS (has no address for nowhere\.invalid:8545|does not answer now)/],
      ['http://127.0.0.1:1', /cannot be reached/],
    ] as const) {
      await assert.rejects(rpcOf(rpcUrl).call('eth_gasPrice', []), { name: 'LedgerUnavailableError', message: says });
    }
  });
});

describe('events in two million blocks', () => {
  const BLOCKS = 2_000_000;
  const WHOLE = BLOCKS / 10_000;

  /** How many requests a scan takes of a node that refuses some ranges. */
  async function scan(
    t: TestContext,
    refuse: (from: number, to: number, asked: number) => { code: number; message: string } | null,
    last = BLOCKS - 1,
  ): Promise<number> {
    let asked = 0;
    const node = await nodeOf(t, {
      answer({ method, params }) {
        if (method !== 'eth_getLogs') return undefined;
        const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string };
        const error = refuse(Number(fromBlock), Number(toBlock), asked++);
        return error === null ? { result: [] } : { error };
      },
    });
    const ledger = createDisscLedger({ rpcUrl: node.rpcUrl, chainId: CHAIN_ID, dissc: DISSC });
    assert.deepEqual(await ledger.findRecorded(DATASET, 0, last), []);
    return asked;
  }

  test('take as many requests as there are ranges', async (t) => {
    assert.equal(await scan(t, () => null), WHOLE);
  });

  test('one dense spot costs a few requests more, not all that follow', async (t) => {
    const asked = await scan(t, (from, to) =>
      from <= 500_000 && to >= 500_000 && to - from > 100 ? { code: -32005, message: 'more than 10000 results' } : null,
    );
    assert.ok(asked > WHOLE && asked < WHOLE + 60, `${asked} requests`);
  });

  for (const most of [2_000, 500, 10]) {
    test(`a limit of ${most} blocks is found, whatever it is called, and almost filled`, async (t) => {
      const last = 400 * most - 1;
      const asked = await scan(t, (from, to) => (to - from >= most ? { code: -32000, message: 'nope' } : null), last);
      assert.ok(asked < 400 * 1.35 + 40, `${asked} requests for 400 ranges of ${most}`);
    });
  }

  test('20 refusals in a row for the rate end nothing, and narrow nothing', async (t) => {
    const asked = await scan(t, (_from, _to, count) =>
      count >= 30 && count < 50 ? { code: -32005, message: 'rate limit exceeded: query returned more' } : null,
    );
    assert.equal(asked, WHOLE + 20);
  });
});

test('of several nodes the one on another chain is passed over, and who was asked instead is told without keys', async (t) => {
  const wrong = await startForeignNode(null, { answer: () => ({ result: '0x1' }) });
  t.after(() => wrong.stop());
  const right = await nodeOf(t, {});
  const told: OtherNode[] = [];
  const keyed = `${wrong.rpcUrl}/hunter2`;
  const rpc = rpcOf(keyed, { moreRpcUrls: [right.rpcUrl], onOtherNode: (other) => told.push(other) });
  assert.equal(await rpc.call('eth_gasPrice', []), '0x1');
  await rpc.call('eth_gasPrice', []);
  assert.equal(told.length, 1, 'while the first one is known to be away, nothing is told again');
  assert.equal(told[0]?.host, new URL(right.rpcUrl).host);
  assert.match(told[0]?.failure ?? '', /is on chain 1, not on 31337/);
  assert.doesNotMatch(JSON.stringify(told), /hunter2/);
  assert.equal(right.counts.get('eth_gasPrice'), 2);
});
