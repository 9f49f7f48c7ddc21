/**
 * What the contracts cost, as gas of whole transactions (21,000 and calldata included), measured on anvil.
 *
 *     node dev/bench/gas.ts [--json]
 *
 * Every input comes from a counter hashed, and signatures are deterministic, so the figures are exact and repeatable.
 * `contracts/gas.json` keeps them and `dev/contracts/check-gas.ts` compares. The goals are those of design §12.
 */
import { HDNodeWallet, id } from 'ethers';
import { DEVELOPMENT_MNEMONIC, type DisscChain, disscInterface, startDisscChain } from './dissc-chain.ts';
import { type Log, makeLog, makeUpdate } from './dissc-log.ts';
import { measureAgreements } from './gas-agreements.ts';
import type { GasFigure } from './gas-figure.ts';

const MAX_BATCHES_PER_SETUP = 500;

/** Measures every scenario on a chain of its own. */
export async function measureGas(): Promise<Record<string, GasFigure>> {
  const chain = await startDisscChain();
  try {
    return await runScenarios(chain);
  } finally {
    chain.stop();
  }
}

async function runScenarios(chain: DisscChain): Promise<Record<string, GasFigure>> {
  const figures: Record<string, GasFigure> = {};
  figures.deploy = { gas: chain.deployGas };

  figures.openDataset = { gas: (await open(chain, 1, 'one')).gas };
  figures['openDatasets of 50'] = { gas: (await open(chain, 50, 'fifty')).gas };

  const [fresh] = (await open(chain, 1, 'fresh')).logs;
  figures['rooted, 1 batch of 1,024, log of 0'] = await measureRecord(chain, [[fresh!, 1, 1024]]);

  const [long] = (await open(chain, 1, 'long')).logs;
  await grow(chain, [long!], 1000);
  figures['rooted, 1 batch of 1,024, log of 1,000'] = await measureRecord(chain, [[long!, 1, 1024]], 58);

  for (const [count, goal] of [
    [256, 14],
    [1024, 3.5],
  ] as const) {
    for (const length of [0, 1000]) {
      const [log] = (await open(chain, 1, `sixty ${count} ${length}`)).logs;
      await grow(chain, [log!], length);
      const name = `rooted, 60 batches of ${figure(count)} under one signature, log of ${figure(length)}`;
      figures[name] = await measureRecord(chain, [[log!, 60, count]], goal);
    }
  }

  const fleet = (await open(chain, 50, 'fleet')).logs;
  await grow(chain, fleet, 100);
  figures['rooted, 50 datasets x 1 batch of 256, logs of 100'] = await measureRecord(
    chain,
    fleet.map((log) => [log, 1, 256] as const),
    125,
  );

  for (const length of [0, 1000]) {
    const [log] = (await open(chain, 1, `published ${length}`)).logs;
    await grow(chain, [log!], length);
    const name = `published, 1 batch of 1,024, log of ${figure(length)}`;
    figures[name] = await measureRecord(chain, [[log!, 1, 1024]], 1320, true);
  }
  const agreements = await measureAgreements(chain, async (count, name) => (await open(chain, count, name)).logs);
  return { ...figures, ...agreements };
}

let devices = 0;

async function open(chain: DisscChain, count: number, name: string): Promise<{ gas: number; logs: Log[] }> {
  const names = Array.from({ length: count }, (_, i) => id(`${name} ${i}`));
  const wallets = names.map(() => HDNodeWallet.fromPhrase(DEVELOPMENT_MNEMONIC, '', `m/44'/60'/${++devices}'/0/0`));
  const addresses = wallets.map((wallet) => wallet.address);
  const data =
    count === 1
      ? disscInterface.encodeFunctionData('openDataset', [names[0], addresses[0]])
      : disscInterface.encodeFunctionData('openDatasets', [names, addresses]);
  const receipt = await chain.send(chain.dissc, data);
  const logs = wallets.map((device, i) => makeLog(receipt.logs[i]!.topics[1]!, device));
  return { gas: receipt.gas, logs };
}

/** Lets logs grow by many batches of one block, a bounded number of batches a transaction. */
async function grow(chain: DisscChain, logs: Log[], batches: number): Promise<void> {
  if (batches === 0) return;
  const together = Math.max(1, Math.floor(MAX_BATCHES_PER_SETUP / batches));
  for (let i = 0; i < logs.length; i += together) {
    for (let done = 0; done < batches; done += MAX_BATCHES_PER_SETUP) {
      const some = Math.min(MAX_BATCHES_PER_SETUP, batches - done);
      await measureRecord(
        chain,
        logs.slice(i, i + together).map((log) => [log, some, 1] as const),
      );
    }
  }
}

async function measureRecord(
  chain: DisscChain,
  what: readonly (readonly [log: Log, batches: number, count: number])[],
  goalPerBlock?: number,
  published = false,
): Promise<GasFigure> {
  const updates = what.map(([log, batches, count]) => makeUpdate(chain, log, batches, count, published));
  const receipt = await chain.send(chain.dissc, disscInterface.encodeFunctionData('record', [updates]));
  const recorded = receipt.logs.filter(
    (log) => log.topics[0] === disscInterface.getEvent('Recorded')!.topicHash,
  ).length;
  if (recorded !== what.length) throw new Error(`${recorded} of ${what.length} updates were accepted.`);
  const blocks = what.reduce((sum, [, batches, count]) => sum + batches * count, 0);
  const gasPerBlock = Number((receipt.gas / blocks).toFixed(2));
  return { gas: receipt.gas, blocks, gasPerBlock, ...(goalPerBlock === undefined ? {} : { goalPerBlock }) };
}

/** Whether design §12 wants it cheaper. */
export function missesGoal({ gas, gasPerBlock = 0, goal, goalPerBlock }: GasFigure): boolean {
  return gas > (goal ?? Number.POSITIVE_INFINITY) || gasPerBlock > (goalPerBlock ?? Number.POSITIVE_INFINITY);
}

function figure(value: number): string {
  return value.toLocaleString('en-US');
}

function printTable(figures: Record<string, GasFigure>): void {
  const width = Math.max(...Object.keys(figures).map((name) => name.length));
  console.log(`${''.padEnd(width)} ${'gas'.padStart(12)} ${'a block'.padStart(10)} ${'goal'.padStart(8)}`);
  for (const [name, measured] of Object.entries(figures)) {
    const { gas, gasPerBlock, goalPerBlock, goal } = measured;
    const missed = missesGoal(measured) ? '  MISSED' : '';
    const columns = [
      figure(gas).padStart(12),
      String(gasPerBlock ?? '').padStart(10),
      String(goalPerBlock ?? goal ?? '').padStart(8),
    ];
    console.log(`${name.padEnd(width)} ${columns.join(' ')}${missed}`);
  }
}

if (import.meta.main) {
  const figures = await measureGas();
  if (process.argv.includes('--json')) console.log(JSON.stringify(figures, null, 2));
  else printTable(figures);
}
