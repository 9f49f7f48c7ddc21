import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A runnable example of a docstring. */
export interface Example {
  /** Of the source that it documents. */
  readonly path: string;
  /** File and line, for people. */
  readonly where: string;
  readonly code: string;
}

/** Every `@example` of a folder's sources, by path and line. */
export async function readExamples(folder: string): Promise<Example[]> {
  const found: Example[] = [];
  const names = (await readdir(folder, { recursive: true })).filter((one) => one.endsWith('.ts'));
  for (const name of names.map((one) => one.replaceAll('\\', '/')).sort()) {
    const path = join(folder, name);
    const source = await readFile(path, 'utf8');
    for (const match of source.matchAll(/@example\n((?:[ \t]*\* ?.*\n)*?)(?=[ \t]*\*\/|[ \t]*\* @)/g)) {
      const lines = (match[1] as string).split('\n').map((line) => line.replace(/^[ \t]*\* ?/, ''));
      const line = source.slice(0, match.index).split('\n').length;
      found.push({ path, where: `${name}:${line}`, code: lines.join('\n').trim() });
    }
  }
  return found;
}
