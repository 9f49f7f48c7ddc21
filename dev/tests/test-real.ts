import { globSync } from 'node:fs';
import { counted } from '../../core/counted.ts';
import { installAll } from '../real/programs/install-all.ts';
import { type RealProgram, VERSIONS } from '../real/programs/versions.ts';
import { runFiles } from './run-files.ts';

/** Installs the real programs and runs every test on them, or those named. A missing toolchain is a failure. */
const named = process.argv.slice(2);
const files = (named.length > 0 ? named : globSync('test/**/*.real.ts')).sort();
const beganMs = performance.now();
const minutes = () => `${((performance.now() - beganMs) / 60_000).toFixed(1)} min`;

if (await installAll(Object.keys(VERSIONS) as RealProgram[])) {
  console.log(`The real programs are there after ${minutes()}.`);
  // One file at a time: each starts several programs, and two processors are soon full.
  const { passed, summary } = await runFiles(files, 1);
  const versions = Object.entries(VERSIONS).map(([program, version]) => `${program} ${version}`);
  console.log(`\nRan ${counted(files.length, 'test file')} on ${versions.join(', ')} in ${minutes()}.`);
  console.log(summary);
  process.exitCode = passed ? 0 : 1;
} else {
  console.error('!!! Nothing was tested on real programs.');
  process.exitCode = 1;
}
