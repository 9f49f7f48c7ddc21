import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LINES_FILE, readMeasurement } from '../measurements.ts';
import { plumb, runPlumb } from '../plumb-process.ts';
import type { StepLog } from '../step-log.ts';
import type { DemoDataset, DemoOwner } from './owner-setup.ts';
import type { DemoConsumer } from './sale-setup.ts';
import { sayVerdicts } from './verify.ts';

/** What is sold, in ether. */
export const HONEST_SALE = { blocks: 24, price: '2.4', fee: '0.24', bond: '1.2', ahead: 6, sample: 6 } as const;

/** Samples that come with their content: as many as OCASC allows. */
const PREVIEWS = 8;

/** The report of `plumb consumer audit --json`, as far as the demo looks at it. */
export type ConsumerAudit = Parameters<typeof sayVerdicts>[0] & { readonly previews: readonly unknown[] };

/** Offers the first blocks of a dataset. @returns the id of the offer */
export async function offer(
  owner: DemoOwner,
  dataset: DemoDataset,
  terms: { readonly blocks: number; readonly price: string; readonly fee: string; readonly bond: string },
): Promise<string> {
  const { id } = await plumb<{ id: string }>(
    [
      ...['owner', 'offer', dataset.name, ...owner.args, '--blocks', `0-${terms.blocks - 1}`],
      ...['--price', `${terms.price}ether`, '--fee', `${terms.fee}ether`, '--bond', `${terms.bond}ether`],
      ...[
        '--stake',
        '0.01ether',
        '--samples',
        '12',
        '--previews',
        String(PREVIEWS),
        '--window',
        '5s',
        '--duration',
        '1h',
      ],
    ],
    { env: owner.env },
  );
  return id;
}

/** Lets the storage serve a dataset's consumers, and prepays what it earns for recording. */
export async function authorise(owner: DemoOwner, dataset: DemoDataset, fuel: string): Promise<string> {
  const args = ['owner', 'authorise', dataset.name, ...owner.args];
  const { state } = await plumb<{ state: string }>(
    [...args, '--per-record', '0.001ether', '--fuel', `${fuel}ether`, '--until', '1d', '--max-blocks', '1000'],
    { env: owner.env },
  );
  return state;
}

export async function audit(consumer: DemoConsumer, id: string, flags: readonly string[]): Promise<string> {
  const args = ['consumer', 'audit', id, ...consumer.args, ...flags];
  const { lines, stderr } = await runPlumb(args, { env: consumer.env });
  const report = lines.at(-1) as Partial<ConsumerAudit> | undefined;
  if (report?.counts === undefined) throw new Error(`${JSON.stringify(report ?? null)} ${stderr}`);
  const { previews = [] } = report;
  return `${sayVerdicts(report as ConsumerAudit)}${previews.length === 0 ? '' : `, ${previews.length} previews decrypted`}`;
}

/** A sale in which everybody keeps their word, up to the audits. @returns the id of the agreement */
export async function openHonestSale(
  log: StepLog,
  owner: DemoOwner,
  consumer: DemoConsumer,
  dataset: DemoDataset,
  authorised: Promise<string>,
): Promise<string> {
  log.act('The owner sells readings to a consumer who trusts neither owner nor cloud (Protocols III and IV)');
  const { sample } = HONEST_SALE;
  let id = '';
  await log.step(
    'authorises the storage (ASC), and offers blocks with a bond (OCASC)',
    'accepted, 1 offer',
    async () => {
      const granted = await authorised;
      await offer(owner, dataset, HONEST_SALE);
      const args = ['consumer', 'offers', '--dataset', dataset.dataset];
      const { offers } = await plumb<{ offers: { id: string }[] }>(args, { env: consumer.env });
      id = offers[0]?.id ?? '';
      return `${granted}, ${offers.length} offer`;
    },
  );
  await log.step('the consumer accepts: the price is in escrow', 'active', async () => {
    const args = ['consumer', 'accept', id, '--yes', ...consumer.args];
    return (await plumb<{ state: string }>(args, { env: consumer.env })).state;
  });
  await log.step('audits by Protocol III: a random chunk of each sampled block', `${sample} intact`, () =>
    audit(consumer, id, ['--protocol', 'III', '--sample', String(sample)]),
  );
  // Keys of the content come with the first eight blocks of the whole sample; of the others it stays closed.
  const seen = `${sample} intact, ${PREVIEWS - sample} previews decrypted`;
  await log.step('audits by Protocol IV: other blocks, whole, and reads a few of them', seen, () =>
    audit(consumer, id, ['--protocol', 'IV', '--sample', String(sample)]),
  );
  return id;
}

/** Its end: delivery against vouchers, and approval. */
export async function closeHonestSale(
  log: StepLog,
  owner: DemoOwner,
  consumer: DemoConsumer,
  id: string,
  folder: string,
): Promise<void> {
  log.act('While that time runs, the first owner delivers');
  const { blocks, price, ahead } = HONEST_SALE;
  const out = join(folder, 'bought');
  const whole = `${blocks} of ${blocks} verified, ${price} of ${price} ether signed for, equal to what was measured`;
  await log.step(
    `fetches: pays for one block, then as many as it has verified, ${ahead} at the most`,
    whole,
    async () => {
      const args = ['consumer', 'fetch', id, ...consumer.args, '--out', out, '--ahead', String(ahead)];
      const fetched = await plumb<{ verified: number; count: number; due: string }>(args, { env: consumer.env });
      const [bought, measured] = await Promise.all([readFile(join(out, 'lines')), readMeasurement(LINES_FILE)]);
      const first = measured
        .toString()
        .split('\n')
        .slice(0, blocks)
        .map((line) => `${line}\n`)
        .join('');
      const equal = bought.toString() === first ? 'equal to' : 'other than';
      const ether = Number(BigInt(fetched.due)) / 1e18;
      return `${fetched.verified} of ${fetched.count} verified, ${ether} of ${price} ether signed for, ${equal} what was measured`;
    },
  );
  await log.step('approves: price and bond go to the owner at once', 'closed', async () => {
    const args = ['consumer', 'approve', id, ...consumer.args];
    const { state } = await plumb<{ state: string }>(args, { env: consumer.env });
    await plumb(['owner', 'withdraw', ...owner.args], { env: owner.env });
    return state;
  });
}
