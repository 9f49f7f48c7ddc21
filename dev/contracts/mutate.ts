/**
 * Drops every check of OCASC and ASC in turn, moves every boundary by one, and runs their tests each time: tests that still
 * pass have not noticed. Takes some minutes; a nightly matter.
 *
 *     node dev/contracts/mutate.ts            prints the survivors, and fails if there are any that nobody has explained
 *     node dev/contracts/mutate.ts --write    writes docs/contract-mutants.md, too
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTANT_LIBRARY, type Mutant, makeMutants } from './make-mutants.ts';

const FILES = ['OCASC.sol', 'ASC.sol', 'answer/ChunkAnswer.sol', 'answer/InclusionPath.sol', 'money/ExactTransfer.sol'];

/** Mutants that do what the original does, or nothing that anyone could see, and why. */
const EQUIVALENT: Record<string, string> = {
  'ASC.sol, revoke: last <= g.end in place of <': 'Where the two are equal, the end is set to what it is.',
};

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const WORK = join(ROOT, 'build/contracts/mutants');
const REPORT = join(ROOT, 'docs/contract-mutants.md');
const RUN_TIMEOUT_MS = 600_000;
/** Without fuzzing and random play: what these tests notice they notice at once, and always. */
const TESTS = ['--match-path', 'test/{OCASC,ASC}/*', '--no-match-test', 'invariant_|testFuzz', '--fail-fast'];

function main(): void {
  const mutants = prepare();
  const original = runTests(0);
  if (!original.passed) throw new Error(`The tests fail without any mutant.\n${original.output}`);
  const survivors = mutants.filter(({ number, name }) => {
    const survives = runTests(number).passed;
    console.log(`${survives ? 'SURVIVES' : 'noticed '} ${name}`);
    return survives;
  });
  const unexplained = survivors.filter(({ name }) => EQUIVALENT[name] === undefined);
  if (process.argv.includes('--write')) writeFileSync(REPORT, render(mutants, survivors));
  console.log(`${mutants.length} mutants, ${mutants.length - survivors.length} noticed, ${survivors.length} survive.`);
  for (const { name } of unexplained) console.error(`Unexplained: ${name}`);
  if (unexplained.length > 0) process.exitCode = 1;
}

/** Copies the contracts and their tests to a folder of their own and puts the mutants in. */
function prepare(): readonly Mutant[] {
  rmSync(WORK, { recursive: true, force: true });
  mkdirSync(join(WORK, 'lib'), { recursive: true });
  for (const part of ['src', 'test', 'foundry.toml']) {
    cpSync(join(ROOT, 'contracts', part), join(WORK, part), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules/@openzeppelin/contracts'), join(WORK, 'lib/openzeppelin'));
  writeFileSync(join(WORK, 'src/Mutant.sol'), MUTANT_LIBRARY);
  let number = 0;
  return FILES.flatMap((file) => {
    const path = join(WORK, 'src', file);
    const { text, mutants } = makeMutants(file, readFileSync(path, 'utf8'), () => ++number);
    writeFileSync(path, text);
    return mutants;
  });
}

function runTests(mutant: number): { passed: boolean; output: string } {
  const { status, stdout, stderr, error } = spawnSync(join(ROOT, 'node_modules/.bin/forge'), ['test', ...TESTS], {
    cwd: WORK,
    timeout: RUN_TIMEOUT_MS,
    encoding: 'utf8',
    env: {
      ...process.env,
      MUTANT: `${mutant}`,
      FOUNDRY_SOLC: join(ROOT, 'dev/contracts/solc'),
      FOUNDRY_OUT: join(WORK, 'out'),
      FOUNDRY_CACHE_PATH: join(WORK, 'cache'),
    },
  });
  if (error !== undefined) throw error;
  return { passed: status === 0, output: `${stdout}${stderr}` };
}

function render(mutants: readonly Mutant[], survivors: readonly Mutant[]): string {
  const explained = survivors.map(({ name }) => `- \`${name}\`  \n  ${EQUIVALENT[name] ?? '**Not explained.**'}`);
  return [
    '# Mutants of OCASC and ASC',
    '',
    'Written by `node dev/contracts/mutate.ts --write`. Each check of the two contracts and their libraries is dropped in',
    'turn, each boundary moved by one, and their tests run each time (those that are the same in every run: no fuzzing, no random',
    'play, but the fixed histories of `test_AHistoryReachesEveryState`).',
    '',
    `**${mutants.length} mutants, ${mutants.length - survivors.length} noticed, ${survivors.length} survive.**`,
    '',
    '## Survivors',
    '',
    ...(explained.length === 0 ? ['None.'] : explained),
    '',
    '## Noticed',
    '',
    ...mutants.filter((mutant) => !survivors.includes(mutant)).map(({ name }) => `- \`${name}\``),
    '',
  ].join('\n');
}

main();
