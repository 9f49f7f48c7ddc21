import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeExamples } from './describe-examples.ts';
import { readVectors } from './read-vectors.ts';

/**
 * Writes docs/specification-examples.md from test/vectors.
 *
 *     node dev/specification/generate-examples.ts [--check]
 */
const root = join(import.meta.dirname, '..', '..');
const path = join(root, 'docs', 'specification-examples.md');
const text = describeExamples(readVectors(root));
if (!process.argv.includes('--check')) {
  writeFileSync(path, text);
} else if (readFileSync(path, 'utf8') !== text) {
  console.error('docs/specification-examples.md is not what test/vectors say. Run: npm run generate');
  process.exitCode = 1;
}
