import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MUTANTS } from './mutants.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/**
 * From here on the files of a mutant are loaded as it changes them. None of them may be loaded before.
 * @throws Error when a file does not have what is to be changed: the mutant is out of date
 */
export function loadMutant(name: string): void {
  const sources = new Map<string, string>();
  for (const { file, from, to } of MUTANTS[name]?.changes ?? []) {
    const path = join(ROOT, file);
    const url = pathToFileURL(path).href;
    const source = sources.get(url) ?? readFileSync(path, 'utf8');
    if (source.split(from).length !== 2)
      throw new Error(`${file} does not have "${from}" once: mend the mutant ${name}.`);
    sources.set(url, source.replace(from, to));
  }
  registerHooks({
    load: (url, context, nextLoad) => {
      const source = sources.get(url);
      return source === undefined
        ? nextLoad(url, context)
        : { format: 'module-typescript', source, shortCircuit: true };
    },
  });
}
