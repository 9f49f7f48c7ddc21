import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * What recording and storing cost, from the gas that is measured (contracts/gas.json) and the requests that are counted
 * (test/local/requests-per-batch.test.ts). Prices are assumptions, here and nowhere else: change them, run it again.
 */

interface Measured {
  readonly gas: number;
  readonly blocks?: number;
}

const gas = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'contracts', 'gas.json'), 'utf8')) as Record<
  string,
  Measured
>;

/** US dollars, list prices of us-east-1, without free tiers. */
const PRICE = {
  etherUsd: 3_000,
  s3Put: 0.005 / 1e3,
  s3Get: 0.0004 / 1e3,
  s3GbMonth: 0.023,
  lambdaRequest: 0.2 / 1e6,
  lambdaGbSecond: 0.0000133334,
  apiRequest: 1 / 1e6,
  tableWriteUnit: 0.625 / 1e6,
  tableReadUnit: 0.125 / 1e6,
  queueRequest: 0.4 / 1e6,
  kmsSignature: 0.15 / 1e4,
} as const;

/** Gas prices looked at, in gwei: a rollup, a quiet day on L1, a busy one. */
const GWEI = [0.01, 1, 20] as const;
const BLOCK_BYTES = 65_536;
const MILLION = 1_000_000;

/** Of one batch, counted: 15 requests at most, whatever the number of blocks; two of them go through Lambda. */
const PER_BATCH = { puts: 1, gets: 2, reads: 8, writes: 4, invocations: 2, gbSeconds: 2 * 0.3 * 0.5, api: 1, queue: 3 };

/** Gas of one more batch of a dataset under one signature, and of the transaction around it: from two measured ones. */
function gasOfUpdate(): { perUpdate: number; perBatch: number } {
  const one = gas['rooted, 1 batch of 1,024, log of 1,000'] as Measured;
  const sixty = gas['rooted, 60 batches of 1,024 under one signature, log of 1,000'] as Measured;
  const perBatch = (sixty.gas - one.gas) / 59;
  return { perUpdate: one.gas - perBatch, perBatch };
}

function awsUsd(batches: number): number {
  const { puts, gets, reads, writes, invocations, gbSeconds, api, queue } = PER_BATCH;
  const each =
    puts * PRICE.s3Put +
    gets * PRICE.s3Get +
    reads * PRICE.tableReadUnit +
    writes * PRICE.tableWriteUnit +
    invocations * PRICE.lambdaRequest +
    gbSeconds * PRICE.lambdaGbSecond +
    api * PRICE.apiRequest +
    queue * PRICE.queueRequest;
  return batches * each;
}

function usd(gasUsed: number, gwei: number): number {
  return gasUsed * gwei * 1e-9 * PRICE.etherUsd;
}

const money = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
const whole = (value: number): string => Math.round(value).toLocaleString('en');

function perMillion(): string[] {
  const { perUpdate, perBatch } = gasOfUpdate();
  const rows = [1, 16, 256, 1024].map((size) => {
    const batches = Math.ceil(MILLION / size);
    // A dataset is recorded with up to 60 of its batches under one signature; batches of 1,024 are recorded as they come too.
    const alone = batches * (perUpdate + perBatch);
    const together = Math.ceil(batches / 60) * perUpdate + batches * perBatch;
    const chain = GWEI.map((gwei) => `${money(usd(alone, gwei))} / ${money(usd(together, gwei))}`);
    return `| ${whole(size)} | ${whole(batches)} | ${whole(alone / MILLION)} / ${whole(together / MILLION)} | ${chain.join(' | ')} | ${money(awsUsd(batches))} |`;
  });
  const heads = GWEI.map((gwei) => `chain at ${gwei} gwei, $`).join(' | ');
  return [
    `| blocks a batch | batches | gas a block, alone / 60 together | ${heads} | AWS, $ |`,
    `|---|---|---|${GWEI.map(() => '---|').join('')}---|`,
    ...rows,
  ];
}

/** 10,000 devices, a batch of 16 blocks a minute each; recorded every minute, every hour, or every day. */
function fleet(): string[] {
  const devices = 10_000;
  const { perUpdate, perBatch } = gasOfUpdate();
  const many = gas['rooted, 50 datasets x 1 batch of 256, logs of 100'] as Measured;
  const perDataset = many.gas / 50 - perBatch;
  const days = 30;
  const batches = devices * 60 * 24 * days;
  const rows = (
    [
      ['every minute', 60 * 24 * days],
      ['every hour', 24 * days],
      ['every day', days],
    ] as const
  ).map(([cadence, times]) => {
    const used = devices * times * perDataset + batches * perBatch;
    const transactions = Math.ceil((devices * times) / 50);
    const chain = GWEI.map((gwei) => money(usd(used, gwei)));
    return `| ${cadence} | ${whole(transactions)} | ${whole(used / 1e6)} | ${chain.join(' | ')} | ${money(transactions * PRICE.kmsSignature)} |`;
  });
  const storedGb = (batches * 16 * BLOCK_BYTES) / 1e9;
  return [
    `${whole(batches)} batches in 30 days. AWS: ${money(awsUsd(batches))} $ for requests, whatever the cadence. Each dataset in a transaction`,
    `of 50 costs ${whole(perDataset)} gas beside its batches (alone ${whole(perUpdate)}).`,
    '',
    `| recorded | transactions | million gas | ${GWEI.map((gwei) => `$ at ${gwei} gwei`).join(' | ')} | KMS, $ |`,
    `|---|---|---|${GWEI.map(() => '---|').join('')}---|`,
    ...rows,
    '',
    `With blocks of 64 KiB that is ${whole(storedGb)} GB a month; stored for a month: ${money(storedGb * PRICE.s3GbMonth)} $. A Pi's readings are`,
    'smaller by orders of magnitude: storage is in proportion to bytes, everything above to batches.',
  ];
}

console.log(
  ['### Per million blocks', '', ...perMillion(), '', '### 10,000 devices, a batch a minute', '', ...fleet()].join(
    '\n',
  ),
);
