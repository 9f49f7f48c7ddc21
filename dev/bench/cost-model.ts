import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RECORD_BYTES } from '../../core/limits.ts';
import { RECONCILE_BOUNDS } from '../../functions/reconcile-segments.ts';
import { ingestSegmentRow, proveChunksRow, reconcileSegmentsRow, uploadSegmentRow } from '../../functions/table.ts';

/*
 * What recording and storing cost, from the gas that is measured (contracts/gas.json), the memory that the table of functions
 * gives, and the requests that are counted (test/local/requests-per-batch.test.ts). Prices and times are assumptions, here and
 * nowhere else: change them, run it again.
 *
 *     node dev/bench/cost-model.ts [--check]    writes the tables of docs/cost-model.md
 */

const root = join(import.meta.dirname, '..', '..');
const { osaka, amsterdam } = JSON.parse(readFileSync(join(root, 'contracts', 'gas.json'), 'utf8')) as {
  readonly osaka: Readonly<Record<string, number>>;
  readonly amsterdam: Readonly<Record<string, number>>;
};

const GAS = {
  /** A record in a transaction of its own, by how many batches have come since the one before. */
  batch: gasOf('DISSC: record 1 batch of 1,024 on 1,024,000 blocks'),
  hour: gasOf('DISSC: record 60 batches of 1,024 on 1,024,000 blocks'),
  day: gasOf('DISSC: record 1,440 batches of 256 on 1,024,000 blocks'),
  /** A record among 50 in one transaction. */
  among50: gasOf('DISSC: record, each of 50 datasets of 25,600 blocks, 256 more'),
  first: gasOf('DISSC: first charter and first record'),
  round: gasOf('DISSC: a round after the first'),
};

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
  logGb: 0.5,
  kmsSignature: 0.15 / 1e4,
} as const;

/** Gas prices looked at, in gwei: a rollup, a quiet day on L1, a busy one. */
const GWEI = [0.01, 1, 20] as const;
const BLOCK_BYTES = 65_536;
const MILLION = 1_000_000;
/** Assumed of every invocation. */
const SECONDS = 0.3;
const LOG_GB = 3e-6;

/** Functions that a batch makes run: it is announced, checked in, and a chunk of each block is proven to its device. */
const RUNS = [uploadSegmentRow, ingestSegmentRow, proveChunksRow];

/** Requests of one batch at most, as counted from upload to its place in the log, and those of the proof. Nonces are among the writes. */
const PER_BATCH = { puts: 1, gets: 3, reads: 14, writes: 8, api: 2, queue: 3 };
/** Two objects for each 256 records, their leaf hashes and themselves (and one more for each 65,536). */
const BLOCKS_PER_TILE_OBJECT = 256 / 2;
/** The table keeps the public records, too, and a unit writes 1 KiB. */
const RECORDS_PER_WRITE_UNIT = 1024 / RECORD_BYTES;

/**
 * One run of the reconciliation, for whatever it compares: a list of the bucket for each 1,000 keys and one of what was set aside,
 * the entries of these keys (a unit reads 4 KiB), and its cursor and lists in the table. Nothing differs, usually.
 */
const RECONCILE = { keysPerList: 1_000, entryBytes: 750, reads: 4, writes: 1, queue: 3, secondsPerKey: 0.002 };
const READ_UNIT_BYTES = 4_096;

function gasOf(name: string): number {
  const measured = osaka[name];
  if (measured === undefined) throw new Error(`contracts/gas.json has no "${name}". Run: npm run contracts:gas`);
  return measured;
}

function awsUsd(batches: number, blocks: number): number {
  const { puts, gets, reads, writes, api, queue } = PER_BATCH;
  const gbSeconds = RUNS.reduce((sum, row) => sum + (SECONDS * row.limits.memoryMb) / 1024, 0);
  const each =
    puts * PRICE.s3Put +
    gets * PRICE.s3Get +
    reads * PRICE.tableReadUnit +
    writes * PRICE.tableWriteUnit +
    RUNS.length * PRICE.lambdaRequest +
    gbSeconds * PRICE.lambdaGbSecond +
    api * PRICE.apiRequest +
    queue * PRICE.queueRequest +
    LOG_GB * PRICE.logGb;
  const ofBlocks = PRICE.s3Put / BLOCKS_PER_TILE_OBJECT + PRICE.tableWriteUnit / RECORDS_PER_WRITE_UNIT;
  return batches * each + blocks * ofBlocks;
}

/** What the reconciliation costs in 30 days, in a bucket of so many segments. */
function reconcileUsd(segments: number): number {
  const { everyMs } = reconcileSegmentsRow.trigger;
  const runs = (30 * 86_400_000) / everyMs;
  const keys = Math.min(segments, RECONCILE_BOUNDS.mostKeys);
  const seconds = Math.min(RECONCILE_BOUNDS.mostMs / 1_000, SECONDS + keys * RECONCILE.secondsPerKey);
  const lists = 1 + Math.ceil((keys + 1) / RECONCILE.keysPerList);
  const reads = RECONCILE.reads + Math.ceil((keys * RECONCILE.entryBytes) / READ_UNIT_BYTES);
  const each =
    lists * PRICE.s3Put +
    reads * PRICE.tableReadUnit +
    RECONCILE.writes * PRICE.tableWriteUnit +
    RECONCILE.queue * PRICE.queueRequest +
    PRICE.lambdaRequest +
    ((seconds * reconcileSegmentsRow.limits.memoryMb) / 1024) * PRICE.lambdaGbSecond;
  return runs * each;
}

function reconciliation(): string[] {
  const { everyMs } = reconcileSegmentsRow.trigger;
  const { mostKeys } = RECONCILE_BOUNDS;
  const runsADay = 86_400_000 / everyMs;
  const rows = [100, 1_000, 10_000, 1_000_000].map((segments) => {
    const hours = (Math.ceil((segments + 1) / mostKeys) * everyMs) / 3_600_000;
    return `| ${whole(segments)} | ${hours < 1 ? `${whole(60 * hours)} min` : `${whole(hours)} h`} | ${money(reconcileUsd(segments))} |`;
  });
  return [
    `It runs ${whole(runsADay)} times a day and compares at most ${whole(mostKeys)} keys a run, so there is a limit to what it costs. It takes`,
    'longer to go once round a larger bucket. The table shows its cost if it finds nothing to do; checking in a segment that it finds',
    'costs as much as its event would have.',
    '',
    '| segments in the bucket | once round takes | AWS, $ in 30 days |',
    '|---|---|---|',
    ...rows,
  ];
}

function usd(gasUsed: number, gwei: number): number {
  return gasUsed * gwei * 1e-9 * PRICE.etherUsd;
}

const money = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
const whole = (value: number): string => Math.round(value).toLocaleString('en');
const aBlock = (value: number): string => (value >= 10 ? whole(value) : value.toPrecision(2));

function perMillion(): string[] {
  const rows = [1, 16, 256, 1024].map((size) => {
    const batches = Math.ceil(MILLION / size);
    const each = batches * GAS.batch;
    const hourly = Math.ceil(batches / 60) * GAS.hour;
    const daily = Math.ceil(batches / 1440) * GAS.day;
    const perBlock = [each, hourly, daily].map((gas) => aBlock(gas / MILLION)).join(' / ');
    const chain = GWEI.map(
      (gwei) => `${money(usd(each, gwei))} / ${money(usd(hourly, gwei))} / ${money(usd(daily, gwei))}`,
    );
    return `| ${whole(size)} | ${whole(batches)} | ${perBlock} | ${chain.join(' | ')} | ${money(awsUsd(batches, MILLION))} |`;
  });
  const heads = GWEI.map((gwei) => `chain at ${gwei} gwei, $`).join(' | ');
  return [
    `| blocks a batch | batches | gas a block | ${heads} | AWS, $ |`,
    `|---|---|---|${GWEI.map(() => '---|').join('')}---|`,
    ...rows,
  ];
}

/** 10,000 devices, a batch of 16 blocks a minute each, recorded directly every minute, hour or day. */
function fleet(): string[] {
  const devices = 10_000;
  const days = 30;
  const batches = devices * 60 * 24 * days;
  const blocks = batches * 16;
  // A longer step costs more only where more subtrees lead over it: as much more as it does in a transaction of its own.
  const cadences = [
    ['every minute', 60 * 24 * days, GAS.among50],
    ['every hour', 24 * days, GAS.among50 + GAS.hour - GAS.batch],
    ['every day', days, GAS.among50 + GAS.day - GAS.batch],
  ] as const;
  const rows = cadences.map(([cadence, times, gas]) => {
    const used = devices * times * gas;
    const transactions = Math.ceil((devices * times) / 50);
    const chain = GWEI.map((gwei) => money(usd(used, gwei)));
    return `| ${cadence} | ${whole(transactions)} | ${whole(used / 1e6)} | ${chain.join(' | ')} | ${money(transactions * PRICE.kmsSignature)} |`;
  });
  const storedGb = (blocks * BLOCK_BYTES) / 1e9;
  return [
    `They make ${whole(batches)} batches in 30 days. AWS charges ${money(awsUsd(batches, blocks))} $ for the requests, whatever the cadence.`,
    `The first record of a dataset takes its charter along: ${whole(GAS.first)} gas, once.`,
    '',
    `| recorded | transactions | million gas | ${GWEI.map((gwei) => `$ at ${gwei} gwei`).join(' | ')} | KMS, $ |`,
    `|---|---|---|${GWEI.map(() => '---|').join('')}---|`,
    ...rows,
    '',
    `A round costs ${whole(GAS.round)} gas, whatever the number of datasets: one every minute for 30 days takes ${whole((GAS.round * 60 * 24 * days) / 1e6)} million gas.`,
    "The service anchors a dataset in rounds if its charter names the service's account.",
    '',
    `With blocks of 64 KiB that is ${whole(storedGb)} GB a month, which costs ${money(storedGb * PRICE.s3GbMonth)} $ for each month it is stored. A Pi's`,
    'readings are orders of magnitude smaller: storage grows with bytes, and everything above with batches and records.',
  ];
}

/** What Ethereum's next fork makes of it: new slots and calldata cost more. */
function nextFork(): string[] {
  const shown = [
    'DISSC: first charter and first record',
    'DISSC: record 1 batch of 1,024 on 1,024,000 blocks',
    'DISSC: record 1,440 batches of 256 on 1,024,000 blocks',
    'DISSC: record, each of 50 datasets of 25,600 blocks, 256 more',
    'DISSC: a round after the first',
    'OCASC: offer',
    'OCASC: accept',
    'OCASC: respond with a chunk, 1 MiB block, log of 1,000,000',
  ];
  const rows = shown.map((name) => `| ${name} | ${whole(gasOf(name))} | ${whole(amsterdam[name] ?? Number.NaN)} |`);
  return ['| gas of | Osaka (now) | Amsterdam (next) |', '|---|---|---|', ...rows];
}

const path = join(root, 'docs', 'cost-model.md');
const page = readFileSync(path, 'utf8');
const tables = [
  '## Per million blocks',
  '',
  ...perMillion(),
  '',
  '## 10,000 devices, a batch a minute',
  '',
  ...fleet(),
  '',
  '## The reconciliation',
  '',
  ...reconciliation(),
  '',
  '## The next fork',
  '',
  ...nextFork(),
];
const [before, after] = [/^[\s\S]*?<!-- tables -->\n/, /<!-- end of tables -->[\s\S]*$/].map(
  (part) => part.exec(page)?.[0],
);
if (before === undefined || after === undefined)
  throw new Error('docs/cost-model.md lacks its marks for the tables: <!-- tables --> and <!-- end of tables -->.');
const text = `${before}\n${tables.join('\n')}\n\n${after}`;
if (!process.argv.includes('--check')) {
  writeFileSync(path, text);
} else if (page !== text) {
  console.error(
    'docs/cost-model.md differs from what contracts/gas.json and functions/table.ts give. Run: npm run generate',
  );
  process.exitCode = 1;
}
