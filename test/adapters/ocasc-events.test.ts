import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import { type Market, randomEncryptionKey, startMarket } from './ocasc-fixture.ts';

interface LogFilter {
  readonly fromBlock: string;
  readonly toBlock: string;
}
interface FoundLog {
  readonly blockNumber: string;
  readonly data: string;
  readonly topics: string[];
}

/** What a node makes of the logs it has: others, or an error. */
type Answer = (logs: FoundLog[], filter: LogFilter) => unknown;

describe('offers among the events of a node', () => {
  let market: Market;
  const ids: AgreementId[] = [];
  let toBlock: number;
  before(async () => {
    market = await startMarket();
    for (let i = 0; i < 4; i++) {
      const { id, transaction } = await market.owner.offer(
        market.named,
        market.terms,
        market.owner.account,
        randomEncryptionKey(),
      );
      ids.push(id);
      toBlock = transaction.blockNumber;
      await market.mine();
    }
  });
  after(() => market?.stop());

  /** The chain's node behind another, which answers for events as it likes. */
  async function nodeThat(t: TestContext, answer: Answer): Promise<string> {
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const part of request) body += part;
      const { id, method, params } = JSON.parse(body);
      const headers = { 'content-type': 'application/json' };
      const answered = await (await fetch(market.chain.rpcUrl, { method: 'POST', headers, body })).json();
      const result = method === 'eth_getLogs' ? answer(answered.result, params[0]) : answered.result;
      const error = result instanceof Error ? { code: -32005, message: result.message } : undefined;
      response.end(JSON.stringify({ jsonrpc: '2.0', id, ...(error === undefined ? { result } : { error }) }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const ledgerAt = (rpcUrl: string, patience: { patienceMs?: number } = {}) =>
    createOcascLedger({ rpcUrl, chainId: market.chain.chainId, ocasc: market.ocasc, timeoutMs: 5000, ...patience });
  const blocks = ({ fromBlock, toBlock }: LogFilter) => Number(toBlock) - Number(fromBlock) + 1;

  test('a node that refuses long ranges is asked for shorter ones: each offer once, in order', async (t) => {
    let asked = 0;
    const rpcUrl = await nodeThat(t, (logs, filter) => {
      asked++;
      return blocks(filter) > 3 ? new Error('query exceeds max block range 3') : logs;
    });
    const found = await ledgerAt(rpcUrl).findOffers({ owner: market.owner.account }, 0, toBlock);
    assert.deepEqual(
      found.map(({ id }) => id),
      ids,
    );
    assert.ok(asked < 4 + toBlock);
  });

  test('more events than a query may bring hide none: the range is cut', async (t) => {
    const rpcUrl = await nodeThat(t, (logs, filter) =>
      logs.length > 0 && blocks(filter) > 2 ? Array.from({ length: 10_001 }, () => logs[0]) : logs,
    );
    const found = await ledgerAt(rpcUrl).findOffers({}, 0, toBlock);
    assert.deepEqual(
      found.map(({ id }) => id),
      ids,
    );
  });

  test('an answer longer than is read hides none: the range is cut', async (t) => {
    const rpcUrl = await nodeThat(t, (logs, filter) =>
      logs.length > 0 && blocks(filter) > 2 ? 'x'.repeat(33 * 2 ** 20) : logs,
    );
    const found = await ledgerAt(rpcUrl).findOffers({}, 0, toBlock);
    assert.deepEqual(
      found.map(({ id }) => id),
      ids,
    );
  });

  test('a node that refuses every range is asked a bounded number of times', async (t) => {
    let asked = 0;
    const rpcUrl = await nodeThat(t, () => {
      asked++;
      return new Error('eth_getLogs is not available');
    });
    const impatient = ledgerAt(rpcUrl, { patienceMs: 500 });
    await assert.rejects(impatient.findOffers({}, 0, 1_000_000), LedgerUnavailableError);
    assert.ok(asked <= 16);
  });

  test('an event that a reorganisation took away is no offer', async (t) => {
    const rpcUrl = await nodeThat(t, (logs) => logs.map((log, i) => ({ ...log, removed: i === 1 })));
    const found = await ledgerAt(rpcUrl).findOffers({}, 0, toBlock);
    assert.deepEqual(
      found.map(({ id }) => id),
      ids.filter((_, i) => i !== 1),
    );
  });

  const word = (data: string, place: number, value: string) =>
    `${data.slice(0, 2 + 64 * place)}${value.padStart(64, '0')}${data.slice(66 + 64 * place)}`;
  const lies: [string, (log: FoundLog) => unknown][] = [
    ['pairs an id with a lower price', (log) => ({ ...log, data: word(log.data, 5, '1') })],
    ['pairs an id with another owner', (log) => ({ ...log, topics: log.topics.with(2, `0x${'0'.repeat(63)}1`) })],
    ['gives an offer another id', (log) => ({ ...log, topics: log.topics.with(1, `0x${'1'.repeat(64)}`) })],
    ['cuts an event short', (log) => ({ ...log, data: log.data.slice(0, -64) })],
    ['leaves out a topic', (log) => ({ ...log, topics: log.topics.slice(0, 3) })],
    ['names a block that is none', (log) => ({ ...log, blockNumber: 'newest' })],
    ['gives something that is no event', () => 7],
  ];
  for (const [lie, make] of lies) {
    test(`a node that ${lie} is not believed`, async (t) => {
      const rpcUrl = await nodeThat(t, (logs) => logs.map(make));
      await assert.rejects(ledgerAt(rpcUrl).findOffers({}, 0, toBlock), LedgerUnavailableError);
    });
  }

  test('numbers of an offer that no log of blocks has are skipped, not rounded', async (t) => {
    // Block 2^64 - 1 as the first: the id would tell, but it is not even asked
    const rpcUrl = await nodeThat(t, (logs) =>
      logs.map((log, i) => (i === 0 ? { ...log, data: word(log.data, 2, 'f'.repeat(16)) } : log)),
    );
    const found = await ledgerAt(rpcUrl).findOffers({}, 0, toBlock);
    assert.deepEqual(
      found.map(({ id }) => id),
      ids.slice(1),
    );
  });

  test('proposals are events of ASC alone', async (t) => {
    const rpcUrl = await nodeThat(t, (logs) => logs);
    const { chainId } = market.chain;
    const grants = createAscLedger({ rpcUrl, chainId, asc: market.asc });
    assert.deepEqual(await grants.findProposed({}, 0, toBlock), []);
    const mistaken = createAscLedger({ rpcUrl, chainId, asc: market.ocasc });
    assert.deepEqual(await mistaken.findProposed({}, 0, toBlock), []);
  });
});
