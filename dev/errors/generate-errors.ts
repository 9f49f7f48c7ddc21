/**
 * Writes docs/errors.md from the tables in the code, and sees that the README says the same of exit codes.
 *
 *     node dev/errors/generate-errors.ts [--check]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodesInWords } from '../../cli/exit-codes.ts';
import { describeErrors } from './describe-errors.ts';

const root = join(import.meta.dirname, '..', '..');
const path = join(root, 'docs', 'errors.md');
const text = describeErrors();
if (!process.argv.includes('--check')) {
  writeFileSync(path, text);
} else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
  console.error('docs/errors.md is not what the code says. Run: npm run generate');
  process.exitCode = 1;
}

const words = exitCodesInWords(Number.POSITIVE_INFINITY);
if (!readFileSync(join(root, 'README.md'), 'utf8').replaceAll(/\s+/g, ' ').includes(words)) {
  console.error(`README.md does not say of exit codes what plumb --help says:\n${words}`);
  process.exitCode = 1;
}
