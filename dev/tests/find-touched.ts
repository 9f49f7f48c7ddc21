import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { CONTRACTS } from './hidden-needs.ts';
import { buildImportGraph, reachedBy } from './import-graph.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** What a change touches. */
export interface Touched {
  /** The revision that the files here were compared with. */
  readonly since: string;
  readonly changed: readonly string[];
  /** Test files. */
  readonly tests: readonly string[];
  readonly contracts: boolean;
}

/**
 * The tests whose imports reach a file that differs from a revision, in a commit, uncommitted or new.
 * @param revision null takes the commit at which this branch left `main`
 * @throws Error when git does not know the revision
 */
export function findTouched(revision: string | null): Touched {
  const since = git('rev-parse', '--verify', '--quiet', `${revision ?? leftMainAt()}^{commit}`)[0] ?? '';
  const changed = [
    ...git('diff', '--name-only', '--no-renames', since),
    ...git('ls-files', '--others', '--exclude-standard'),
  ];
  const gone = new Set(git('ls-files', '--deleted'));
  const there = git('ls-files', '--cached', '--others', '--exclude-standard').filter((file) => !gone.has(file));
  const reached = reachedBy(buildImportGraph([...new Set([...there, ...changed])]), changed);
  const tests = there.filter((file) => file.endsWith('.test.ts') && reached.has(file)).sort();
  return { since, changed, tests, contracts: reached.has(CONTRACTS) };
}

function leftMainAt(): string {
  try {
    return git('merge-base', 'HEAD', 'main')[0] ?? 'HEAD';
  } catch {
    // There is no branch of that name here.
    return 'HEAD';
  }
}

function git(...command: string[]): string[] {
  try {
    const output = execFileSync('git', command, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return output.split('\n').filter((line) => line !== '');
  } catch (cause) {
    throw new Error(`git ${command.join(' ')} failed. Is the revision one that git knows here?`, { cause });
  }
}
