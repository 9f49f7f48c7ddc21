/**
 * Drops every check of the contracts in turn, moves every boundary by one, and runs their tests each time: tests that still
 * pass have not noticed. Takes some minutes; a nightly matter.
 *
 *     node dev/contracts/mutate.ts            prints the survivors, and fails if there are any that nobody has explained
 *     node dev/contracts/mutate.ts --write    writes the report, too: contracts/mutants.md
 *     node dev/contracts/mutate.ts --only TEXT        tries the mutants whose names hold this text, and no others
 *     node dev/contracts/mutate.ts --continue FILE    takes the verdicts that an interrupted run has printed as they are
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTANT_LIBRARY, type Mutant, makeMutants } from './make-mutants.ts';
import { TEXT_MUTANTS, type TextMutant } from './text-mutants.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDER = join(ROOT, 'contracts');
const WORK = join(ROOT, 'build/contracts/mutants');
const REPORT = join(FOLDER, 'mutants.md');
/** Files that have checks, and the tests that should notice. */
const FILES: Readonly<Record<string, string>> = {
  'DISSC.sol': 'test/DISSC/*',
  'OCASC.sol': 'test/OCASC/*',
  'ASC.sol': 'test/ASC/*',
  'answer/BlockAnswer.sol': 'test/OCASC/*',
  'answer/InclusionPath.sol': 'test/OCASC/*',
  'money/Credits.sol': 'test/OCASC/*',
};

/** Mutants that do what the original does, or nothing that anyone could see, and why. */
const EQUIVALENT: Record<string, string> = {
  'ASC.sol, revoke: last <= g.end in place of <': 'Where the two are equal, the end is set to what it is.',
  'log/LogGrowth.sol: if 1 { in place of if peaks.length {':
    'In front of an empty list stands its length: in place of a last peak a zero is loaded, which is the root there.',
};

const RUN_TIMEOUT_MS = 300_000;
const COMPILE_TIMEOUT_MS = 1_200_000;
/** Without fuzzing and random play: what these tests notice they notice at once, and always. */
const TESTS = ['--no-match-test', 'invariant_|testFuzz', '--fail-fast'];

/** A mutant, and the tests that should notice it. */
interface Case extends Mutant {
  readonly tests: string;
}

function main(): void {
  const cases = prepare();
  const original = runTests(0, 'test/*/*', COMPILE_TIMEOUT_MS);
  if (!original.passed) throw new Error(`The tests fail without any mutant.\n${original.output}`);
  const all: Mutant[] = [...cases, ...TEXT_MUTANTS.map(({ name }, i) => ({ number: -1 - i, name }))];
  const only = optionValue('--only');
  const mutants = only === null ? all : all.filter(({ name }) => name.includes(only));
  const known = readVerdicts();
  const survivors = mutants.filter((mutant) => {
    const verdict = known.get(mutant.name);
    if (verdict !== undefined) return verdict === 'SURVIVES';
    const survives = mutant.number < 0 ? survivesText(TEXT_MUTANTS[-1 - mutant.number]!) : survivesCase(mutant as Case);
    console.log(`${survives ? 'SURVIVES' : 'noticed '} ${mutant.name}`);
    return survives;
  });
  const unexplained = survivors.filter(({ name }) => EQUIVALENT[name] === undefined);
  if (process.argv.includes('--write') && only === null) writeFileSync(REPORT, render(mutants, survivors));
  console.log(`${mutants.length} mutants, ${mutants.length - survivors.length} noticed, ${survivors.length} survive.`);
  for (const { name } of unexplained) console.error(`Unexplained: ${name}`);
  if (unexplained.length > 0) process.exitCode = 1;
}

/** What an earlier run has said, when one is continued: only where neither contract nor tests have changed since. */
function readVerdicts(): ReadonlyMap<string, string> {
  const file = optionValue('--continue');
  if (file === null) return new Map();
  const lines = readFileSync(file, 'utf8').matchAll(/^(SURVIVES|noticed ) (.+)$/gm);
  return new Map([...lines].map(([, verdict, name]) => [name!, verdict!]));
}

function optionValue(name: string): string | null {
  const at = process.argv.indexOf(name);
  return at < 0 ? null : (process.argv[at + 1] ?? null);
}

/** Copies the contracts and their tests to a folder of their own and puts the mutants in. */
function prepare(): readonly Case[] {
  rmSync(WORK, { recursive: true, force: true });
  mkdirSync(join(WORK, 'lib'), { recursive: true });
  for (const part of ['src', 'test', 'foundry.toml']) {
    cpSync(join(FOLDER, part), join(WORK, part), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules/@openzeppelin/contracts'), join(WORK, 'lib/openzeppelin'));
  writeFileSync(join(WORK, 'src/Mutant.sol'), MUTANT_LIBRARY);
  let number = 0;
  return Object.entries(FILES).flatMap(([file, tests]) => {
    const path = join(WORK, 'src', file);
    const { text, mutants } = makeMutants(file, readFileSync(path, 'utf8'), () => ++number);
    writeFileSync(path, text);
    return mutants.map((mutant) => ({ ...mutant, tests }));
  });
}

function survivesCase({ number, tests }: Case): boolean {
  return runTests(number, tests).passed;
}

/** Puts a mutant into the text, and takes it out again: what stands in assembly cannot ask which mutant is meant. */
function survivesText({ file, from, to, tests }: TextMutant): boolean {
  const path = join(WORK, 'src', file);
  const original = readFileSync(path, 'utf8');
  if (original.split(from).length !== 2) throw new Error(`"${from}" does not stand once in ${file}.`);
  try {
    writeFileSync(
      path,
      original.replace(from, () => to),
    );
    const { passed, output } = runTests(0, tests);
    if (!passed && output.includes('Compiler run failed')) throw new Error(`${file} with "${to}":\n${output}`);
    return passed;
  } finally {
    writeFileSync(path, original);
  }
}

function runTests(mutant: number, tests: string, timeout = RUN_TIMEOUT_MS): { passed: boolean; output: string } {
  const args = ['test', '--match-path', tests, ...TESTS];
  const { status, stdout, stderr, error } = spawnSync(join(ROOT, 'node_modules/.bin/forge'), args, {
    cwd: WORK,
    timeout,
    encoding: 'utf8',
    env: {
      ...process.env,
      MUTANT: `${mutant}`,
      FOUNDRY_SOLC: join(ROOT, 'dev/contracts/solc'),
      FOUNDRY_OUT: join(WORK, 'out'),
      FOUNDRY_CACHE_PATH: join(WORK, 'cache'),
      FOUNDRY_GAS_LIMIT: '100000000000',
    },
  });
  // What never ends is noticed, too
  if (error !== undefined && !('code' in error && error.code === 'ETIMEDOUT')) throw error;
  return { passed: status === 0, output: `${stdout}${stderr}` };
}

function render(mutants: readonly Mutant[], survivors: readonly Mutant[]): string {
  const explained = survivors.map(({ name }) => `- \`${name}\`  \n  ${EQUIVALENT[name] ?? '**Not explained.**'}`);
  return [
    `# Mutants of DISSC, OCASC and ASC`,
    '',
    `Written by \`node dev/contracts/mutate.ts --write\`. Each check of these contracts and their libraries is dropped in`,
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
