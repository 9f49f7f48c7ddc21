import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Uses that break a rule and are still to be mended, by file: each by its name, or by a folder for all in it. */
export type Awaited = Readonly<Record<string, readonly string[]>>;

const PATH = join(import.meta.dirname, 'awaiting.json');
const groups = z.array(z.object({ until: z.string(), uses: z.record(z.string(), z.array(z.string())) }));

/** Reads `awaiting.json`: groups of uses, each with what must happen until it goes. */
export function readAwaited(): Awaited {
  const uses: Record<string, string[]> = {};
  for (const group of read()) {
    for (const [path, names] of Object.entries(group.uses)) uses[path] = [...(uses[path] ?? []), ...names];
  }
  return uses;
}

/** Deletes from `awaiting.json` what nobody does any more. It never adds. */
export function settleAwaited(settled: ReadonlyMap<string, readonly string[]>): void {
  const kept = read().map(({ until, uses }) => {
    const left = Object.entries(uses).map(([path, names]) => [
      path,
      names.filter((name) => !settled.get(path)?.includes(name)),
    ]);
    return { until, uses: Object.fromEntries(left.filter(([, names]) => names?.length)) };
  });
  const groupsLeft = kept.filter(({ uses }) => Object.keys(uses).length > 0);
  writeFileSync(PATH, `${JSON.stringify(groupsLeft, null, 2)}\n`);
}

function read(): z.infer<typeof groups> {
  return groups.parse(JSON.parse(readFileSync(PATH, 'utf8')));
}
