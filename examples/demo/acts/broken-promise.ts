import { readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { nodeRuntime } from '../../../adapters/runtime/node-runtime.ts';
import { readSegmentFront } from '../../../core/batch/read-segment.ts';
import { plumb, runPlumb } from '../plumb-process.ts';
import { quickenKeystore } from '../quicken-keystore.ts';
import type { StepLog } from '../step-log.ts';
import { audit, authorise, offer } from './honest-sale.ts';
import type { DemoDataset, DemoOwner } from './owner-setup.ts';
import { type AgentFile, type DemoConsumer, type SaleServer, setUpAgent } from './sale-setup.ts';

/** What the second owner sells, in ether. */
export const BROKEN_SALE = { blocks: 12, price: '1.2', fee: '0.12', bond: '0.6' } as const;

export interface SecondOwner {
  readonly owner: DemoOwner;
  readonly dataset: DemoDataset;
  readonly agent: AgentFile;
}

/** A second owner with a dataset, and accounts that have what they need. */
export async function setUpSecondOwner(folder: string, first: DemoOwner): Promise<SecondOwner> {
  const home = join(folder, 'second-owner');
  const env = { PLUMB_HOME: home, PLUMB_STACK: first.stackFile };
  const mnemonic = ['--mnemonic-out', join(folder, 'second-mnemonic')];
  const { account } = await plumb<{ account: string }>(['owner', 'init', ...first.args, ...mnemonic], { env });
  const owner = { ...first, home, env, account };
  await Promise.all([plumb(['local', 'admit', account], { env }), quickenKeystore(home, owner.password)]);
  const create = ['dataset', 'create', 'greenhouse', ...owner.args];
  const made = await plumb<{ dataset: string; device: string }>(create, { env });
  const provision = join(folder, 'device-greenhouse.json');
  const dataset = { name: 'greenhouse', provision, dataset: made.dataset, account: made.device };
  const provisioned = plumb(['device', 'provision', dataset.name, ...owner.args, '--out', provision], { env });
  const [agent] = await Promise.all([setUpAgent(owner), provisioned]);
  return { owner, dataset, agent };
}

/** Records the second owner's readings through ASC, at the prepaid price, and offers them. @returns the id of the offer */
export async function recordAndOffer({ owner, dataset }: SecondOwner): Promise<string> {
  await authorise(owner, dataset, '0.01');
  const readings = Array.from({ length: BROKEN_SALE.blocks }, (_, i) => `greenhouse ${20 + i / 10}\n`).join('');
  const cadence = ['--every', '300ms', '--batch-age', '300ms', '--poll', '250ms', '--until-idle', '--timeout', '60s'];
  const args = [
    'device',
    'run',
    '--provision',
    dataset.provision,
    '--source',
    'stdin',
    '--record',
    'relayed',
    ...cadence,
  ];
  const { exitCode, lines, stderr } = await runPlumb(args, { input: readings, timeoutMs: 90_000 });
  if (exitCode !== 0) throw new Error(`The device ended with ${exitCode}: ${JSON.stringify(lines.at(-1))} ${stderr}`);
  return offer(owner, dataset, BROKEN_SALE);
}

/** Her storage loses a block after the sale, and the consumer challenges it. @returns the id of the agreement */
export async function challengePromise(
  log: StepLog,
  consumer: DemoConsumer,
  offered: Promise<string>,
  storedPaths: () => Promise<readonly string[]>,
): Promise<string> {
  log.act("A second owner's storage breaks the promise: the owner loses the bond, by proof, not by opinion");
  let id = '';
  await log.step('the consumer accepts the second offer, too', 'active', async () => {
    id = await offered;
    const args = ['consumer', 'accept', id, '--yes', ...consumer.args];
    return (await plumb<{ state: string }>(args, { env: consumer.env })).state;
  });
  const lost = BROKEN_SALE.blocks - 1;
  await log.step(
    'the storage loses the last block, and the audit sees it',
    `1 unavailable (${lost}), ${lost} intact`,
    async () => {
      await cutLastBlock((await storedPaths()).at(-1) as string);
      return audit(consumer, id, ['--protocol', 'III', '--sample', String(BROKEN_SALE.blocks)]);
    },
  );
  await log.step('the consumer challenges that block on the chain, against a stake', 'open', async () => {
    const args = ['consumer', 'challenge', id, String(lost), ...consumer.args];
    return (await plumb<{ outcome: string }>(args, { env: consumer.env })).outcome;
  });
  return id;
}

/** Her time to answer is over; the chain decides. */
export async function breakPromise(
  log: StepLog,
  second: SecondOwner,
  consumer: DemoConsumer,
  id: string,
  server: SaleServer,
): Promise<void> {
  log.act("The second owner's time is over");
  const lost = BROKEN_SALE.blocks - 1;
  await log.step("the second owner's agent has nothing to show, and says so", 'unanswered', async () => {
    const args = ['consumer', 'challenge', id, String(lost), '--wait', ...consumer.args];
    const { lines } = await runPlumb(args, { env: consumer.env });
    const outcome = String(lines.at(-1)?.outcome ?? JSON.stringify(lines.at(-1)));
    return server.count('unanswered') > 0 ? outcome : `${outcome}, and the agent did not notice`;
  });
  let graceEndSeconds = 0;
  await log.step(
    'the consumer states this on the chain; the owner has a quarter of the window left',
    'lapsed',
    async () => {
      const args = ['consumer', 'lapse', id, ...consumer.args];
      const lapsed = await plumb<Lapsed>(args, { env: consumer.env });
      graceEndSeconds = lapsed.question?.graceEndSeconds ?? 0;
      return lapsed.state;
    },
  );
  await log.step('breach: escrow, bond and stake go to the consumer, the fee to the owner', 'breached', async () => {
    // The chain's clock is this machine's; its next block comes behind the last second of the grace.
    await nodeRuntime.sleep(Math.max(0, 1000 * (graceEndSeconds + 1) - Date.now()));
    const args = ['consumer', 'breach', id, ...consumer.args];
    const { state } = await plumb<{ state: string }>(args, { env: consumer.env });
    await Promise.all([
      plumb(['consumer', 'withdraw', ...consumer.args], { env: consumer.env }),
      plumb(['owner', 'withdraw', ...second.owner.args], { env: second.owner.env }),
    ]);
    return state;
  });
}

/** The report of `plumb consumer lapse --json`, as far as the demo looks at it. */
interface Lapsed {
  readonly state: string;
  readonly question: { readonly graceEndSeconds: number | null } | null;
}

async function cutLastBlock(path: string): Promise<void> {
  const front = readSegmentFront(nodePrimitives, new Uint8Array(await readFile(path)));
  await truncate(path, (front.offsets.at(-1) as number) + 1);
}
