import { join } from 'node:path';
import { readAwaited, settleAwaited } from './awaited.ts';
import { checkTree } from './check-tree.ts';
import { findUnused } from './find-unused.ts';
import { readTree } from './read-tree.ts';
import { rooms } from './rooms.ts';

/**
 * Holds every import and every global name to the lists of `rooms.ts`.
 *
 *     node dev/gate/check-imports.ts [--settle]
 *
 * With `--settle` it first deletes from `awaiting.json` what is mended.
 */
const { sources, paths } = readTree(join(import.meta.dirname, '..', '..'));
const verdict = checkTree({ rooms, awaited: readAwaited() }, sources, paths);
if (process.argv.includes('--settle')) settleAwaited(verdict.settled);
const mended = process.argv.includes('--settle')
  ? []
  : [...verdict.settled].map(
      ([path, names]) =>
        `dev/gate/awaiting.json excuses ${path} for ${names.join(', ')}, which it no longer needs. Delete it: npm run ` +
        'check:imports -- --settle',
    );
const wrong = [...verdict.refusals, ...findUnused(rooms, sources), ...mended];
for (const message of wrong) console.error(message);
console.log(
  `${sources.length} files in ${verdict.files.size} rooms were looked at; ${wrong.length} refusals, ` +
    `${verdict.excused} uses still excused by dev/gate/awaiting.json.`,
);
if (wrong.length > 0) process.exitCode = 1;
