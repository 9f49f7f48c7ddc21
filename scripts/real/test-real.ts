import { globSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { installAll } from './install-all.ts';
import { type RealProgram, VERSIONS } from './versions.ts';

/**
 * Installs the real programs and runs every test on them, or those named. A missing toolchain, a skipped test and an empty
 * run are failures: nothing may pass by not being run.
 */
const named = process.argv.slice(2);
const files = (named.length > 0 ? named : globSync('test/**/*.real.ts')).sort();
const beganMs = performance.now();
const minutes = () => `${((performance.now() - beganMs) / 60_000).toFixed(1)} min`;

if (await installAll(Object.keys(VERSIONS) as RealProgram[])) {
  console.log(`The real programs are there after ${minutes()}.`);
  await runTests();
} else {
  console.error('!!! Nothing was tested on real programs.');
  process.exitCode = 1;
}

async function runTests(): Promise<void> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  // One file at a time: each starts several programs, and two processors are soon full.
  const stream = run({ files, concurrency: 1, timeout: 15 * 60_000 });
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
  const versions = Object.entries(VERSIONS).map(([program, version]) => `${program} ${version}`);
  console.log(`\n${files.length} test files were run on ${versions.join(', ')} in ${minutes()}.`);
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  process.exitCode = counts.failed + counts.skipped > 0 || counts.passed === 0 ? 1 : 0;
}
