import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { disscInterface } from '../../../adapters/ethereum/dissc-interface.ts';
import { createDisscLedger } from '../../../adapters/ethereum/dissc-ledger.ts';
import { createJsonRpc } from '../../../adapters/ethereum/json-rpc.ts';
import { LedgerUnavailableError } from '../../../core/errors.ts';
import type { Address, DatasetId } from '../../../core/ids.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** A node that answers as the test says; `undefined` leaves the answer to the one that behaves. */
type Behaviour = (request: Request, response: ServerResponse) => unknown;

const DATASET = `0x${'22'.repeat(32)}` as DatasetId;
const HASH = `0x${'33'.repeat(32)}`;
const ROOT = `0x${'44'.repeat(32)}`;
const BLOCK = { number: '0x10', hash: HASH, timestamp: '0x60000000', baseFeePerGas: '0x1' };
const HEADS = disscInterface.encodeFunctionResult('heads', [[[7n, ROOT]]]);
const ANSWERED = Symbol('answered');
const NULL = Symbol('null');

function wellBehaved({ method }: Request): unknown {
  if (method === 'eth_chainId') return '0x7a69';
  if (method === 'eth_getBlockByNumber') return BLOCK;
  if (method === 'eth_call') return HEADS;
  return null;
}

async function ledgerOn(t: TestContext, behaviour: Behaviour, timeoutMs = 5000, finalDepth?: number): Promise<Ledger> {
  const server = createServer(async (incoming, response) => {
    const parts: Uint8Array[] = [];
    for await (const part of incoming) parts.push(part);
    const request = JSON.parse(Buffer.concat(parts).toString()) as Request;
    const result = behaviour(request, response) ?? wellBehaved(request);
    if (result === ANSWERED) return;
    const error =
      result instanceof Error
        ? { error: { code: -39001, message: result.message } }
        : { result: result === NULL ? null : result };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ jsonrpc: '2.0', id: request.id, ...error }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const rpcUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return createDisscLedger({ rpcUrl, chainId: 31337, dissc: `0x${'11'.repeat(20)}` as Address, timeoutMs, finalDepth });
}

const raw = (status: number, body: string): Behaviour => {
  return ({ method }, response) => {
    if (method === 'eth_chainId') return undefined;
    response.writeHead(status).end(body);
    return ANSWERED;
  };
};
const when = (wanted: string, answer: unknown): Behaviour => {
  return ({ method }) => (method === wanted ? answer : undefined);
};

describe('a node that misbehaves', () => {
  it('reads many devices one by one from a node that takes no code for a call', async (t) => {
    const device = disscInterface.encodeFunctionResult('device', [`0x${'55'.repeat(20)}`, 7]);
    for (const refusal of ['0x', new Error('too many parameters')]) {
      let lent = 0;
      const ledger = await ledgerOn(t, ({ method, params }) => {
        if (Array.isArray(params) && params.length === 3) lent++;
        if (method !== 'eth_call') return undefined;
        return params.length === 3 ? refusal : device;
      });
      for (let time = 0; time < 5; time++) {
        const { devices } = await ledger.readDevices(Array(20).fill(DATASET), 'latest');
        assert.deepEqual(devices, Array(20).fill({ device: `0x${'55'.repeat(20)}`, serial: 7 }));
      }
      assert.ok(lent > 0 && lent <= 12, `${lent} calls: what is refused is not asked for ever`);
    }
  });

  it('is believed when it behaves', async (t) => {
    const { heads, point } = await (await ledgerOn(t, () => undefined)).readHeads([DATASET], 'latest');
    assert.deepEqual([heads[0]?.size, point.blockNumber], [7, 16]);
    assert.equal(point.timestampMs, 0x6000_0000 * 1000);
  });

  const cases: readonly [string, Behaviour][] = [
    ['answers HTML', raw(200, '<html>')],
    ['answers nothing', raw(200, '')],
    ['answers 502', raw(502, '{"jsonrpc":"2.0","id":0,"result":"0x"}')],
    ['answers a list of another length', raw(200, '[{"id":0,"result":"0x"},{"id":1,"result":"0x"}]')],
    ['answers another request', raw(200, '{"jsonrpc":"2.0","id":9,"result":"0x"}')],
    ['answers neither result nor error', raw(200, '{"jsonrpc":"2.0","id":0}')],
    [
      'redirects',
      (request, response) => {
        if (request.method === 'eth_chainId') return undefined;
        response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end();
        return ANSWERED;
      },
    ],
    [
      'hangs up',
      (request, response) => {
        if (request.method === 'eth_chainId') return undefined;
        response.destroy();
        return ANSWERED;
      },
    ],
    ['has no blocks', when('eth_getBlockByNumber', NULL)],
    ['names a block by a number that is none', when('eth_getBlockByNumber', { ...BLOCK, number: '16' })],
    ['names a block by a number beyond all', when('eth_getBlockByNumber', { ...BLOCK, number: `0x${'f'.repeat(16)}` })],
    ['names a block by half a hash', when('eth_getBlockByNumber', { ...BLOCK, hash: '0x33' })],
    ['answers a call with a number', when('eth_call', 5)],
    ['answers a call with odd hex', when('eth_call', '0x123')],
    ['answers a call with too little', when('eth_call', HEADS.slice(0, -64))],
    ['answers a call with fewer heads', when('eth_call', disscInterface.encodeFunctionResult('heads', [[]]))],
    ['answers a call with an error', when('eth_call', new Error('execution reverted'))],
  ];
  for (const [what, behaviour] of cases) {
    it(`is unavailable when it ${what}`, async (t) => {
      const ledger = await ledgerOn(t, behaviour);
      await assert.rejects(ledger.readHeads([DATASET], 'latest'), LedgerUnavailableError);
    });
  }

  it('is unavailable when it does not answer in time', async (t) => {
    const ledger = await ledgerOn(t, () => ANSWERED, 200);
    const startedAt = performance.now();
    await assert.rejects(ledger.readHeads([DATASET], 'latest'), LedgerUnavailableError);
    assert.ok(performance.now() - startedAt < 4000);
  });

  it('is unavailable when its answer does not end', async (t) => {
    const ledger = await ledgerOn(
      t,
      (_, response) => {
        response.write('{');
        return ANSWERED;
      },
      200,
    );
    await assert.rejects(ledger.readHeads([DATASET], 'latest'), LedgerUnavailableError);
  });

  it('is unavailable when its answer is larger than any may be', async (t) => {
    const ledger = await ledgerOn(
      t,
      ({ method }, response) => {
        if (method === 'eth_chainId') return undefined;
        const part = ' '.repeat(2 ** 20);
        const flood = () => {
          while (!response.destroyed) if (!response.write(part)) return void response.once('drain', flood);
        };
        flood();
        return ANSWERED;
      },
      30_000,
    );
    await assert.rejects(ledger.readHeads([DATASET], 'latest'), {
      name: 'LedgerUnavailableError',
      message: /more than/,
    });
  });

  for (const [what, answer] of [
    ['an error', new Error('finalized block not found')],
    ['null', null],
  ] as const) {
    it(`has nothing final when it answers ${what} for the finalized block`, async (t) => {
      const ledger = await ledgerOn(t, ({ method, params }) => {
        if (method !== 'eth_getBlockByNumber') return undefined;
        if (params[0] === 'finalized') return answer ?? NULL;
        return params[0] === '0x0' ? { ...BLOCK, number: '0x0' } : BLOCK;
      });
      const { heads, point } = await ledger.readHeads([DATASET], 'final');
      assert.deepEqual([heads[0]?.size, point.blockNumber], [0, 0]);
    });
  }

  /** At block 5000, and without a block by that name. */
  const withoutFinality =
    (refusal: unknown): Behaviour =>
    ({ method, params: [tag] }) => {
      if (method !== 'eth_getBlockByNumber') return undefined;
      if (tag === 'finalized') return refusal;
      return { ...BLOCK, number: tag === 'latest' ? '0x1388' : tag };
    };

  for (const refusal of [
    NULL,
    ...['Unknown block', 'Invalid params', 'Der Block fehlt'].map((said) => new Error(said)),
  ]) {
    const said = refusal instanceof Error ? refusal.message : 'null';
    it(`that has made 5,000 blocks and finalized none says so, and what can be set (${said})`, async (t) => {
      const ledger = await ledgerOn(t, withoutFinality(refusal));
      await assert.rejects(ledger.readHeads([DATASET], 'final'), {
        name: 'LedgerUnavailableError',
        message: /at block 5000 but has no finalized block.*finalDepth beside rpcUrl/,
      });
      const { point } = await ledger.readHeads([DATASET], 'latest');
      assert.equal(point.blockNumber, 5000);
    });
  }

  it('has as final what lies as deep as its user says', async (t) => {
    const deep = await ledgerOn(t, withoutFinality(new Error('Unknown block')), 5000, 12);
    const { heads, point } = await deep.readHeads([DATASET], 'final');
    assert.deepEqual([heads[0]?.size, point.blockNumber], [7, 4988]);
    const young = await ledgerOn(t, withoutFinality(NULL), 5000, 9000);
    assert.equal((await young.readHeads([DATASET], 'final')).point.blockNumber, 0);
  });

  it('is asked again when the block was reorganised away in between', async (t) => {
    let calls = 0;
    const ledger = await ledgerOn(t, ({ method }) =>
      method === 'eth_call' && ++calls === 1 ? new Error('header not found') : undefined,
    );
    assert.equal((await ledger.readHeads([DATASET], 'latest')).heads[0]?.size, 7);
  });

  it('names its host alone in errors, as the path may be a secret', async () => {
    const rpc = createJsonRpc({ rpcUrl: 'http://127.0.0.1:1/v2/secret-key', chainId: 1 });
    await assert.rejects(rpc.call('eth_chainId', []), (error: unknown) => {
      assert.ok(error instanceof LedgerUnavailableError);
      assert.ok(!JSON.stringify(error).includes('secret-key') && !error.message.includes('secret-key'));
      return true;
    });
  });
});
