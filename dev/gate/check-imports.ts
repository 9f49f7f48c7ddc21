import { join } from 'node:path';
import { counted } from '../../core/counted.ts';
import { checkTree } from './check-tree.ts';
import { findUnused } from './find-unused.ts';
import { readTree } from './read-tree.ts';
import { rooms } from './rooms.ts';

/**
 * Holds every import and every global name to the lists of `rooms.ts`.
 *
 *     node dev/gate/check-imports.ts
 */
const { sources, paths } = readTree(join(import.meta.dirname, '..', '..'));
const verdict = checkTree(rooms, sources, paths);
const wrong = [...verdict.refusals, ...findUnused(rooms, sources)];
for (const message of wrong) console.error(message);
console.log(
  `${sources.length} files in ${verdict.files.size} rooms were looked at; ${counted(wrong.length, 'refusal')}.`,
);
if (wrong.length > 0) process.exitCode = 1;
