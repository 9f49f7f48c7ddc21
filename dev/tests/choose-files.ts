import { globSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { CONTRACTS } from './hidden-needs.ts';

/** What to run. */
export interface Chosen {
  /** Test files. */
  readonly files: readonly string[];
  /** Whether the contracts' suite runs, too. */
  readonly contracts: boolean;
}

const ALL = 'test/**/*.test.ts';
/** What takes minutes and a compiler: with `npm run test:nightly`, or when it is named. */
const NIGHTLY = 'test/**/*.nightly.ts';
const MOST_SUGGESTED = 5;

/** Every test. */
export function chooseAll(): Chosen {
  const nightly = process.env.PLUMBLINE_NIGHTLY === '1' ? globSync(NIGHTLY) : [];
  return { files: [...globSync(ALL), ...nightly], contracts: true };
}

/**
 * The test files that paths name: files, folders, patterns, and `contracts` for the contracts' suite.
 * @throws Error when one of them names none, with what may have been meant
 */
export function chooseFiles(paths: readonly string[]): Chosen {
  const chosen = new Set<string>();
  let contracts = false;
  for (const path of paths.map((given) => given.replace(/^\.\//, '').replace(/\/+$/, ''))) {
    if (path === CONTRACTS) contracts = true;
    else for (const file of filesNamed(path)) chosen.add(file);
  }
  return { files: [...chosen], contracts };
}

function filesNamed(path: string): string[] {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const files = globSync(isFolder ? `${path}/**/*.test.ts` : path).filter((file) => /\.(test|nightly)\.ts$/.test(file));
  if (files.length === 0) throw new Error(`${path} names no test. ${adviseOn(path, isFolder)}`);
  return files;
}

function adviseOn(path: string, isFolder: boolean): string {
  if (path.endsWith('.real.ts')) return `It needs real programs: npm run test:real -- ${path}`;
  if (!isFolder && statSync(path, { throwIfNoEntry: false }) !== undefined) {
    return 'npm run test:touched runs the tests that a change of it touches.';
  }
  const word = basename(path).replace(/(\.test)?\.\w+$/, '');
  const similar = isFolder ? [] : globSync(ALL).filter((file) => file.includes(word));
  if (similar.length > 0) return `Did you mean ${similar.slice(0, MOST_SUGGESTED).join(' or ')}?`;
  return "Give a file (test/core/meta.test.ts), a folder (test/core), a pattern ('test/**/sale*.test.ts') or contracts.";
}
