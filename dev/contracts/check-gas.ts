/**
 * Compares what the contracts cost, as gas of whole transactions (21,000 and calldata included), with `contracts/gas.json`,
 * figure by figure, by Osaka's rules (anvil) and by Amsterdam's (EDR). Every input comes from a counter hashed, and signatures are deterministic, so the figures are exact: any
 * difference is a change of the contract or its compiler. A growth is to be explained, a saving to be kept.
 *
 *     node dev/contracts/check-gas.ts            fails on any difference, and where a goal of specification#figures is missed
 *     node dev/contracts/check-gas.ts --write    writes what is measured now
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startAmsterdamChain } from './amsterdam-chain.ts';
import { AgreementsGas } from './gas-agreements.ts';
import { type NewChain, openGasChain } from './gas-chain.ts';
import { DisscGas, type Figures } from './gas-dissc.ts';
import { startOsakaChain } from './osaka-chain.ts';

interface Snapshot {
  readonly osaka: Record<string, number>;
  readonly amsterdam: Record<string, number>;
  readonly goals: Record<string, number>;
}

const SNAPSHOT = fileURLToPath(new URL('../../contracts/gas.json', import.meta.url));
const OPENING = 'DISSC: first charter and first record';
/** specification#figures. */
const AMSTERDAM_OPENING_GOAL = 330_000;
const REMEDY = 'If this is meant: node dev/contracts/check-gas.ts --write';

async function main(): Promise<void> {
  const measured = await measure();
  if (process.argv.includes('--write')) writeFileSync(SNAPSHOT, `${JSON.stringify(measured, null, 2)}\n`);
  const kept = JSON.parse(readFileSync(SNAPSHOT, 'utf8')) as Snapshot;
  const complaints = [
    ...missedGoals(measured),
    ...differences(kept.osaka, measured.osaka),
    ...differences(kept.amsterdam, measured.amsterdam).map((one) => `By Amsterdam's rules: ${one}`),
  ];
  for (const complaint of complaints) console.error(complaint);
  if (complaints.length > 0) process.exitCode = 1;
  else
    console.log(
      `Gas: ${Object.keys(measured.osaka).length} figures, by Osaka's rules and by Amsterdam's, as in contracts/gas.json; every goal reached.`,
    );
}

async function measure(): Promise<Snapshot> {
  execFileSync('../node_modules/.bin/forge', ['build', 'src'], {
    cwd: fileURLToPath(new URL('../../contracts/', import.meta.url)),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const osaka = await measureOn(await startOsakaChain());
  const amsterdam = await measureOn(await startAmsterdamChain());
  return { osaka: osaka.gas, amsterdam: amsterdam.gas, goals: osaka.goals };
}

async function measureOn(started: NewChain): Promise<Figures> {
  try {
    const chain = openGasChain(started);
    const dissc = new DisscGas(chain, await chain.deploy('DISSC'));
    const agreements = await AgreementsGas.deploy(chain, dissc);
    await dissc.measure();
    await agreements.measure();
    return { gas: { ...dissc.gas, ...agreements.gas }, goals: { ...dissc.goals, ...agreements.goals } };
  } finally {
    started.stop();
  }
}

function missedGoals({ osaka, amsterdam, goals }: Snapshot): string[] {
  const missed = Object.entries(goals)
    .filter(([name, most]) => osaka[name]! > most)
    .map(([name, most]) => `${name}: ${osaka[name]} gas; the goal is ${most}.`);
  const opening = amsterdam[OPENING]!;
  if (opening > AMSTERDAM_OPENING_GOAL) {
    missed.push(`${OPENING}, by Amsterdam's rules: ${opening} gas; the goal is ${AMSTERDAM_OPENING_GOAL}.`);
  }
  return missed;
}

function differences(kept: Record<string, number>, measured: Record<string, number>): string[] {
  const names = new Set([...Object.keys(kept), ...Object.keys(measured)]);
  return [...names].flatMap((name) => {
    const [before, now] = [kept[name], measured[name]];
    if (before === now) return [];
    if (before === undefined) return [`${name}: ${now} gas, not in contracts/gas.json. ${REMEDY}`];
    if (now === undefined) return [`${name}: in contracts/gas.json, but no longer measured. ${REMEDY}`];
    const change = `${before} -> ${now} gas (${now > before ? '+' : ''}${now - before})`;
    return [`${name}: ${change}, ${now > before ? 'dearer' : 'cheaper'} than contracts/gas.json says. ${REMEDY}`];
  });
}

await main();
