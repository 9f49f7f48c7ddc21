import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { counted } from '../../core/counted.ts';
import { type Chosen, chooseAll, chooseFiles } from './choose-files.ts';
import { describeTimes, keepTimes, longestFirst } from './file-times.ts';
import { findTouched } from './find-touched.ts';
import { CONTRACTS, HIDDEN_NEEDS } from './hidden-needs.ts';
import { runContracts } from './run-contracts.ts';
import { runFiles } from './run-files.ts';

const HELP = `Usage: npm test [-- PATH…]             every test and the contracts' suite, or those named
       npm run test:touched [-- REV]     those that a change touches

PATH is a file, a folder, a pattern in quotes, or \`contracts\`. REV is a revision of git: what differs from it here,
committed or not, has been changed. Without it, that is what this branch has changed since it left main.
A test is touched when its imports, or paths that it or they name, lead to a changed file. What no import shows:
${HIDDEN_NEEDS.map(({ who, needs, because }) => `  ${who} needs ${needs.join(', ')}:\n    ${because}`).join('\n')}

  --list             says what would be run, and runs nothing
  --slowest N        files to list with what they took (10)
  --concurrency N    files at a time (one more than there are processors)`;

const DEFAULT_SLOWEST = 10;
const COMPILED = join(import.meta.dirname, '..', '..', 'build', 'tests', 'compiled');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    touched: { type: 'boolean', default: false },
    slowest: { type: 'string', default: String(DEFAULT_SLOWEST) },
    // One more: a file that starts programs waits for them, or for blocks, much of its time. With two more, each takes longer.
    concurrency: { type: 'string', default: String(availableParallelism() + 1) },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) console.log(HELP);
else process.exitCode = await main();

async function main(): Promise<number> {
  let chosen: Chosen;
  try {
    chosen = choose();
  } catch (error) {
    console.error((error as Error).message);
    return 2;
  }
  const { files, contracts } = chosen;
  if (files.length === 0 && !contracts) {
    console.log('No test is touched.');
    return 0;
  }
  if (values.list) {
    console.log([...files.toSorted(), ...(contracts ? [CONTRACTS] : [])].join('\n'));
    return 0;
  }
  // What one process has compiled, others load: without it each file strips and compiles hundreds of modules.
  process.env.NODE_COMPILE_CACHE ??= COMPILED;
  const [contractsRan, ran] = await Promise.all([
    contracts ? runContracts() : null,
    files.length > 0 ? runFiles(longestFirst(files), Number(values.concurrency)) : null,
  ]);
  if (contractsRan?.passed === false) console.log(`\nThe contracts' suite:\n${contractsRan.output}`);
  if (ran !== null) {
    keepTimes(ran.times);
    console.log(`\n${describeTimes(ran.times, Number(values.slowest))}`);
  }
  const suite =
    contractsRan === null
      ? 'no contracts were run'
      : `the contracts ${contractsRan.passed ? 'passed' : 'FAILED'} in ${(contractsRan.wallMs / 1000).toFixed(0)} s`;
  console.log(`\nRan ${counted(files.length, 'test file')}; ${suite}.`);
  if (ran !== null) console.log(ran.summary);
  // Last, as whoever keeps only the end of the output must know them.
  for (const failure of ran?.failures ?? []) console.log(`FAILED ${failure}`);
  return (ran?.passed ?? true) && (contractsRan?.passed ?? true) ? 0 : 1;
}

/** @throws Error in words for whoever typed the command */
function choose(): Chosen {
  if (!values.touched) return positionals.length > 0 ? chooseFiles(positionals) : chooseAll();
  if (positionals.length > 1) throw new Error('Give one revision at most: npm run test:touched -- REV');
  const { since, changed, tests, contracts } = findTouched(positionals[0] ?? null);
  console.log(
    `Since ${since.slice(0, 10)} ${counted(changed.length, 'file')} changed, touching ${counted(tests.length, 'test file')}.`,
  );
  return { files: tests, contracts };
}
