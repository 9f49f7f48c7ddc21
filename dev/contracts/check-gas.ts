/**
 * Compares what the contracts cost with `contracts/gas.json`, figure by figure. The figures are exact, so any difference is a
 * change of the contract or its compiler: a growth is to be explained, a saving is to be kept.
 *
 *     node dev/contracts/check-gas.ts            fails on any difference, and where a goal of design §12 is missed
 *     node dev/contracts/check-gas.ts --write    writes what is measured now
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { measureGas, missesGoal } from '../bench/gas.ts';
import type { GasFigure } from '../bench/gas-figure.ts';

const SNAPSHOT = fileURLToPath(new URL('../../contracts/gas.json', import.meta.url));

async function main(): Promise<void> {
  const measured = await measureGas();
  if (process.argv.includes('--write')) {
    writeFileSync(SNAPSHOT, `${JSON.stringify(measured, null, 2)}\n`);
    console.log(`contracts/gas.json: ${Object.keys(measured).length} figures`);
  }
  const kept = JSON.parse(readFileSync(SNAPSHOT, 'utf8')) as Record<string, GasFigure>;
  const complaints = [...missedGoals(measured), ...differences(kept, measured)];
  for (const complaint of complaints) console.error(complaint);
  if (complaints.length > 0) process.exitCode = 1;
  else console.log(`Gas: ${Object.keys(measured).length} figures as in contracts/gas.json, every goal reached.`);
}

function missedGoals(measured: Record<string, GasFigure>): string[] {
  return Object.entries(measured)
    .filter(([, figure]) => missesGoal(figure))
    .map(([name, { gas, gasPerBlock, goal, goalPerBlock }]) =>
      goal === undefined
        ? `${name}: ${gasPerBlock} gas a block; the goal is ${goalPerBlock}.`
        : `${name}: ${gas} gas; the goal is ${goal}.`,
    );
}

function differences(kept: Record<string, GasFigure>, measured: Record<string, GasFigure>): string[] {
  const names = new Set([...Object.keys(kept), ...Object.keys(measured)]);
  return [...names].flatMap((name) => {
    const [before, now] = [kept[name]?.gas, measured[name]?.gas];
    if (before === now) return [];
    if (before === undefined) return [`${name}: ${now} gas, not in contracts/gas.json. ${REMEDY}`];
    if (now === undefined) return [`${name}: in contracts/gas.json, but no longer measured. ${REMEDY}`];
    const change = `${before} -> ${now} gas (${now > before ? '+' : ''}${now - before})`;
    return [`${name}: ${change}, ${now > before ? 'dearer' : 'cheaper'} than contracts/gas.json says. ${REMEDY}`];
  });
}

const REMEDY = 'If this is meant: node dev/contracts/check-gas.ts --write';

await main();
