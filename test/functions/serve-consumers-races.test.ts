import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { to0x } from '../../core/bytes.ts';
import { RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import { agreementPk } from '../../functions/state/entries.ts';
import type { ConsumerTask } from './consumer-process.ts';
import { clientOf, type Market, makeSale, patiently, type Sale, startMarket } from './start-sale.ts';
import { dump } from './start-service.ts';

type Client = ReturnType<typeof clientOf>;

const ALL = Array.from({ length: 64 }, (_, i) => i);

describe('a consumer who asks for everything at once', () => {
  let market: Market;
  before(async () => {
    market = await startMarket({ table: 'served' });
  });
  after(() => market?.stop());

  const prove = async (client: Client, sale: Sale, indices: readonly number[]) =>
    (
      await client.proveChunks(
        sale.dataset,
        indices.map((index) => ({ index, random: 7 * index })),
      )
    ).answers;
  const servedOf = (answers: readonly (object & { index: number })[]) =>
    answers.filter((answer) => !('kind' in answer)).map(({ index }) => index);
  const entryOf = async (sale: Sale) => (await dump(market.stores.table, agreementPk(sale.id)))[0];

  describe('under 200 concurrent requests, over two processes', () => {
    for (const [what, route] of [
      [
        'prove-chunks',
        async (client: Client, sale: Sale, index: number) => servedOf(await prove(client, sale, [index])),
      ],
      [
        'get-block',
        async (client: Client, sale: Sale, index: number) => {
          try {
            await client.getBlock(sale.dataset, index);
            return [index];
          } catch (error) {
            if (error instanceof StoreUnavailableError) throw error;
            assert.ok(error instanceof RequestRefusedError && error.type === '/problems/not-paid', String(error));
            return [];
          }
        },
      ],
    ] as const) {
      test(`${what} serves exactly as many distinct blocks as there are samples, and repeats for nothing`, async () => {
        const samples = 23;
        const sale = await makeSale(market, { terms: { samples } });
        const processes = [market.anotherProcess(), market.anotherProcess()];
        const clients = processes.map((ports) => clientOf(ports, sale.signerKey, sale.id));
        const ask = (index: number, i: number) => patiently(() => route(clients[i % 2] as Client, sale, index));
        const asked = Array.from({ length: 200 }, () => nodePrimitives.randomBytes(1)[0] as number).map((n) => n % 64);
        const served = new Set((await Promise.all(asked.map(ask))).flat());
        assert.equal(served.size, Math.min(samples, new Set(asked).size));
        const again = await Promise.all([...served, ...served].map(ask));
        assert.ok(again.every((one) => one.length === 1));
        const rest = ALL.filter((index) => !served.has(index)).slice(0, 4);
        assert.deepEqual((await Promise.all(rest.map(ask))).flat(), served.size === samples ? [] : rest);
        const entry = await entryOf(sale);
        assert.deepEqual(entry?.samples?.valueOf(), offsets([...served]));
      });
    }

    test('and three processes that share nothing but the stores and the chain serve no block more', async () => {
      const samples = 23;
      const sale = await makeSale(market, { terms: { samples } });
      const { s3, s3Keys, dynaliteEndpoint } = market.stores;
      const task: ConsumerTask = {
        ...{ contracts: market.contracts, dynaliteEndpoint, cssAccount: market.css.account },
        s3: { endpoint: s3.endpoint, accessKeyId: s3Keys.accessKey, secretAccessKey: s3Keys.secretKey },
        ...{ owner: sale.owner.account, dataset: sale.dataset, agreement: sale.id, signerKey: to0x(sale.signerKey) },
      };
      const processes = Array.from({ length: 3 }, () => fork(join(import.meta.dirname, 'consumer-process.ts')));
      const within = { signal: AbortSignal.timeout(180_000) };
      const reply = async (one: ChildProcess): Promise<unknown> => (await once(one, 'message', within))[0];
      try {
        const ready = Promise.all(processes.map(reply));
        for (const one of processes) one.send(task);
        assert.deepEqual(await ready, Array(3).fill('ready'));
        for (const round of [1, 2]) {
          // All 64 blocks by each process, each in another order.
          const asked = processes.map((_, i) => Array.from({ length: 67 }, (_, n) => (round * 16 * i + 37 * n) % 64));
          const served = Promise.all(processes.map(reply));
          for (const [i, one] of processes.entries()) one.send(asked[i] as number[]);
          const distinct = new Set(((await served) as number[][]).flat());
          assert.equal(distinct.size, samples, `round ${round}: the same blocks again, and no others`);
          assert.deepEqual((await entryOf(sale))?.samples, offsets([...distinct]));
        }
      } finally {
        for (const one of processes) one.kill('SIGKILL');
      }
    });

    test('vouchers that come meanwhile are not lost, nor what was sampled', async () => {
      const sale = await makeSale(market, { terms: { samples: 30 } });
      const clients = [0, 1].map(() => clientOf(market.anotherProcess(), sale.signerKey, sale.id));
      const served = new Set<number>();
      await Promise.all(
        Array.from({ length: 80 }, async (_, i) => {
          const client = clients[i % 2] as Client;
          const voucher = sale.voucher(10n + 100n * BigInt((i + 1) >> 2));
          if (i % 4 === 3) return patiently(() => client.storeVoucher(...voucher));
          const answers = await patiently(() => prove(client, sale, [63 - (i % 40)]));
          for (const index of servedOf(answers)) served.add(index);
          return 0n;
        }),
      );
      const entry = await entryOf(sale);
      assert.equal(entry?.due, '2010');
      assert.deepEqual(servedOf(await prove(sale.signer, sale, ALL.slice(0, 20))), ALL.slice(0, 20));
      const samples = entry?.samples;
      assert.ok(samples instanceof Uint8Array && samples.length === 4 * 30 && served.size >= 30, `${served.size}`);
    });
  });
});

function offsets(blocks: readonly number[]): Uint8Array {
  return new Uint8Array([...blocks].sort((a, b) => a - b).flatMap((block) => [0, 0, 0, block]));
}
