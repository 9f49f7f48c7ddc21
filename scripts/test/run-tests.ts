import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/**
 * Runs every test file (or those named) and the contracts' suite. A skipped test, an unfinished one and an empty run
 * are failures: nothing may pass by not being run.
 */
const named = process.argv.slice(2);
const files = (named.length > 0 ? named : globSync('test/**/*.test.ts')).sort();
const counts = { passed: 0, failed: 0, skipped: 0 };

const stream = run({ files, concurrency: 2, timeout: 20 * 60_000 });
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

const contracts =
  named.length > 0 ? 0 : (spawnSync('npm', ['run', '--silent', 'contracts:test'], { stdio: 'inherit' }).status ?? 1);
console.log(`\n${files.length} test files and ${named.length > 0 ? 'no contracts' : 'the contracts'} were run.`);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed + counts.skipped > 0 || counts.passed === 0 || contracts !== 0 ? 1 : 0;
