/**
 * Writes docs/architecture.md from the lists that the import gate holds the code to.
 *
 *     node dev/architecture/generate-architecture.ts [--check]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rooms } from '../gate/rooms.ts';
import { describeArchitecture } from './describe-architecture.ts';

const root = join(import.meta.dirname, '..', '..');
const path = join(root, 'docs', 'architecture.md');
const text = describeArchitecture(rooms, root);
if (!process.argv.includes('--check')) {
  writeFileSync(path, text);
} else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
  console.error('docs/architecture.md is not what the code says. Run: npm run generate');
  process.exitCode = 1;
}
