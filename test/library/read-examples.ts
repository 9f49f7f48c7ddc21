import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A runnable example of a docstring. */
export interface Example {
  /** File and line. */
  readonly where: string;
  readonly code: string;
}

/** Every `@example` of a folder's sources. */
export async function readExamples(folder: string): Promise<Example[]> {
  const found: Example[] = [];
  for (const name of (await readdir(folder)).filter((one) => one.endsWith('.ts')).sort()) {
    const source = await readFile(join(folder, name), 'utf8');
    for (const match of source.matchAll(/@example\n((?:[ \t]*\* ?.*\n)*?)(?=[ \t]*\*\/|[ \t]*\* @)/g)) {
      const lines = (match[1] as string).split('\n').map((line) => line.replace(/^[ \t]*\* ?/, ''));
      const line = source.slice(0, match.index).split('\n').length;
      found.push({ where: `${name}:${line}`, code: lines.join('\n').trim() });
    }
  }
  return found;
}
