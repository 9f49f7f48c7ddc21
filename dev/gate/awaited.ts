import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/** Uses that break a rule and are still to be mended, by file: each by its name, or by a folder for all in it. */
export type Awaited = Readonly<Record<string, readonly string[]>>;

const PATH = join(import.meta.dirname, 'awaiting.json');
/** Groups of files; what a file uses stands on its line, with commas between. */
const groups = z.array(z.object({ until: z.string(), uses: z.record(z.string(), z.string()) }));

/** Reads `awaiting.json`. */
export function readAwaited(): Awaited {
  const uses: Record<string, string[]> = {};
  for (const group of read()) {
    for (const [path, names] of Object.entries(group.uses)) uses[path] = [...(uses[path] ?? []), ...names.split(', ')];
  }
  return uses;
}

/** Deletes from `awaiting.json` what nobody does any more. It never adds. */
export function settleAwaited(settled: ReadonlyMap<string, readonly string[]>): void {
  const left = read().map(({ until, uses }) => {
    const rest = Object.entries(uses).map(([path, names]) => {
      return [path, names.split(', ').filter((name) => !settled.get(path)?.includes(name))] as const;
    });
    const kept = rest.filter(([, names]) => names.length > 0).map(([path, names]) => [path, names.join(', ')]);
    return { until, uses: Object.fromEntries(kept) };
  });
  const needed = left.filter(({ uses }) => Object.keys(uses).length > 0);
  writeFileSync(PATH, `${JSON.stringify(needed, null, 2)}\n`);
}

function read(): z.infer<typeof groups> {
  return groups.parse(JSON.parse(readFileSync(PATH, 'utf8')));
}
