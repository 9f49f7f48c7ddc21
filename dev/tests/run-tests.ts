import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { runFiles } from './run-files.ts';

/** Runs every test file (or those named) and the contracts' suite. */
const named = process.argv.slice(2);
const files = (named.length > 0 ? named : globSync('test/**/*.test.ts')).sort();
const { passed, summary } = await runFiles(files, 2);
const contracts =
  named.length > 0 ? 0 : (spawnSync('npm', ['run', '--silent', 'contracts:test'], { stdio: 'inherit' }).status ?? 1);
console.log(`\n${files.length} test files and ${named.length > 0 ? 'no contracts' : 'the contracts'} were run.`);
console.log(summary);
process.exitCode = passed && contracts === 0 ? 0 : 1;
