import { execFileSync } from 'node:child_process';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { counted } from '../../core/counted.ts';
import { checkCitations, findCitations } from './find-citations.ts';
import { findMissingPaths } from './find-missing-paths.ts';

/**
 * Resolves every citation of a page of docs/ (`specification#record`) in every tracked file to a heading of that page, and every
 * file that the pages name to one that is there.
 *
 *     node dev/citations/check-citations.ts
 */
const root = join(import.meta.dirname, '..', '..');
const docs = join(root, 'docs');
const pages = Object.fromEntries(
  readdirSync(docs)
    .filter((name) => name.endsWith('.md'))
    .map((name) => [name.slice(0, -'.md'.length), readFileSync(join(docs, name), 'utf8')]),
);
const files = Object.fromEntries(trackedFiles().flatMap((path) => readText(path)));
const markdown = Object.fromEntries(Object.entries(files).filter(([path]) => /^(docs\/)?[^/]+\.md$/.test(path)));
const refusals = [
  ...checkCitations(files, pages),
  ...findMissingPaths(markdown, (path) => globSync(path, { cwd: root }).length > 0),
];
const known = new Set(Object.keys(pages));
const cited = Object.entries(files).flatMap(([file, text]) => findCitations(file, text, known)).length;

for (const { file, line, problem } of refusals) console.error(`${file}:${line} ${problem}.`);
console.log(
  `${cited} citations in ${Object.keys(files).length} files were looked up in ${known.size} pages; ${counted(refusals.length, 'refusal')}.`,
);
if (refusals.length > 0) process.exitCode = 1;

/** Tracked, or new and not ignored: what a commit of this tree would hold. */
function trackedFiles(): string[] {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return [...new Set(list.split('\0').filter((path) => path !== ''))];
}

/** The file under its path; none where it is not text, or only deleted so far. */
function readText(path: string): [string, string][] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(root, path));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT' || (cause as NodeJS.ErrnoException).code === 'EISDIR')
      return [];
    throw cause;
  }
  return bytes.includes(0) ? [] : [[path, bytes.toString('utf8')]];
}
