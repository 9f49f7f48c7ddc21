import { dirname, join } from 'node:path';
import { printable } from '../client/printable.ts';
import type { Restored } from '../client/restore/restore-files.ts';
import { INDEX_FILE } from '../client/restore/safe-path.ts';
import { jsonLine } from './json-line.ts';
import { listSome } from './list-some.ts';

const MOST_PATHS = 20;
const MOST_NAMED = 10;

/** What was written, for people: two spaces, a word, and what it is about. */
export function restoredText(restored: Restored): string[] {
  const { files, lines, series, incomplete, renamed, left, index } = restored;
  const where = index === null ? '--json' : index;
  const paths = listSome(files.map(printable), MOST_PATHS, where).join(', ');
  const named = renamed.map(({ name, path }) => `${printable(path)} is ${quoted(name)}`);
  return [
    ...(files.length === 0 && series.length > 0
      ? []
      : [`  files         ${files.length.toLocaleString('en')}${paths === '' ? '' : `: ${paths}`}`]),
    ...(lines === null ? [] : [`  lines         ${blocksIn(lines)}`]),
    ...listSome(series.map(blocksIn), MOST_PATHS, where).map((one) => `  series        ${one}`),
    ...listSome(named, MOST_NAMED, where).map((one) => `  renamed       ${one}`),
    ...listSome(incomplete.map(incompleteText), MOST_PATHS, '--json').map((one) => `  incomplete    ${one}`),
    ...listSome(left.map(leftText), MOST_PATHS, '--json').map((one) => `  left          ${one}`),
    ...(index === null
      ? []
      : [`  index         ${printable(index)}   (for programs: ${printable(join(dirname(index), INDEX_FILE))})`]),
  ];
}

/** A name with every character of it to be seen. */
function quoted(name: string): string {
  return jsonLine(name).trimEnd();
}

function blocksIn({ path, blocks }: { readonly path: string; readonly blocks: number }): string {
  return `${blocks.toLocaleString('en')} ${blocks === 1 ? 'block' : 'blocks'} in ${printable(path)}`;
}

function incompleteText({ name, got, parts }: Restored['incomplete'][number]): string {
  return `${printable(name)}: only ${got} of ${parts} parts are intact`;
}

function leftText(path: string): string {
  return `${printable(path)} was left alone: an earlier run wrote it, and it was changed since, or lacks what was damaged then`;
}
