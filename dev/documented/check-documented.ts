/**
 * Holds the documentation of what programs import to the code: a runnable example of every function, and what it throws.
 *
 *     node dev/documented/check-documented.ts
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPublic } from './find-public.ts';
import { findUndocumented } from './find-undocumented.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Rooms whose functions say what they throw, whoever calls them. */
const THROWS_ARE_SAID = ['client/', 'core/', 'library/'];

/** Where every method has one, too. */
const FULL_OF_EXAMPLES = ['auditor', 'consumer', 'owner'].map((name) => `library/${name}.ts`);

/** What else `plumbline` itself exports. */
const OF_THE_LIBRARY = ['connect-device', 'verification'].map((name) => `library/${name}.ts`);

const exclude = (name: string): boolean => ['node_modules', 'build', 'cache', 'lib', 'out'].includes(name);
const sources = globSync('*/**/*.{ts,tsx}', { cwd: ROOT, exclude })
  .map((path) => path.replaceAll('\\', '/'))
  .sort()
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>;
};
const { isPublic, closed } = findPublic('client', sources, Object.keys(exports));
const { examples, throwing, missing } = findUndocumented(sources, {
  needsExample: (path, name) =>
    FULL_OF_EXAMPLES.includes(path) || (!name.includes('.') && (isPublic(path, name) || OF_THE_LIBRARY.includes(path))),
  needsThrows: (path) => THROWS_ARE_SAID.some((room) => path.startsWith(room)),
});
const wrong = [...closed, ...missing];
for (const message of wrong) console.error(message);
console.log(
  `Looked at ${examples} functions that programs import and at ${throwing} that throw; refusals: ${wrong.length}.`,
);
if (wrong.length > 0) process.exitCode = 1;
