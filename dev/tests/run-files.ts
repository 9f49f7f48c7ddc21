import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const TEST_MS = 15 * 60_000;

/**
 * Runs test files, each in a process of its own, and prints how they went. A skipped test, an unfinished one and an empty
 * run are failures: nothing may pass by not being run.
 * @returns whether all passed, and the counts in words
 */
export async function runFiles(
  files: readonly string[],
  concurrency: number,
): Promise<{ readonly passed: boolean; readonly summary: string }> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const execArgv = ['--import', join(import.meta.dirname, 'bound-file.ts')];
  const stream = run({ files, concurrency, timeout: TEST_MS, execArgv });
  stream.on('test:pass', (event) => {
    if (event.skip !== undefined || event.todo !== undefined) counts.skipped += 1;
    else if (event.details.type !== 'suite') counts.passed += 1;
  });
  stream.on('test:fail', (event) => {
    if (event.details.type !== 'suite') counts.failed += 1;
  });
  const reported = stream.compose(new spec());
  reported.pipe(process.stdout);
  await new Promise((resolve, reject) => reported.once('end', resolve).once('error', reject));
  return {
    passed: counts.passed > 0 && counts.failed + counts.skipped === 0,
    summary: `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`,
  };
}
