import { dirname, join } from 'node:path';
import { type ReadExports, readExports } from './read-exports.ts';

/** What is asked of the exports of these files. */
export interface Wanted {
  /** A path, as the repository has it; must every export there have a runnable example? */
  readonly needsExample: (path: string, name: string) => boolean;
  /** Must what can throw say so there? */
  readonly needsThrows: (path: string, name: string) => boolean;
}

export interface Undocumented {
  /** Functions and classes that were looked at, for their example and for what they throw. */
  readonly examples: number;
  readonly throwing: number;
  /** What is missing, one a line. */
  readonly missing: readonly string[];
}

/**
 * Looks which exports lack an `@example` or a `@throws`. What throws is what says `throw new`, or calls a function whose own
 * documentation has a `@throws`, here or in another file; what a function that it returns may throw is not asked for.
 */
export function findUndocumented(sources: readonly { path: string; text: string }[], wanted: Wanted): Undocumented {
  const files = new Map(sources.map(({ path, text }) => [path, readExports(path, text)]));
  const missing: string[] = [];
  let [examples, throwing] = [0, 0];
  for (const [path, read] of files) {
    for (const one of read.exports) {
      const where = `${path}:${one.line} ${one.name}`;
      if (!one.isError && wanted.needsExample(path, one.name)) {
        examples++;
        if (!one.doc.includes('@example')) missing.push(`${where} has no @example.`);
      }
      if (one.isError || !wanted.needsThrows(path, one.name)) continue;
      const cause = one.throws ? 'it throws by itself' : throwingCall(path, read, one.calls, files);
      if (cause === null) continue;
      throwing++;
      if (!one.doc.includes('@throws')) missing.push(`${where} has no @throws; ${cause}.`);
    }
  }
  return { examples, throwing, missing };
}

function throwingCall(
  path: string,
  { imports }: ReadExports,
  calls: readonly string[],
  files: ReadonlyMap<string, ReadExports>,
): string | null {
  for (const call of calls) {
    const { from, name } = imports.get(call) as { from: string; name: string };
    if (!from.startsWith('.')) continue;
    const called = files.get(join(dirname(path), from))?.exports.find((one) => one.name === name);
    if (called?.doc.includes('@throws') === true) return `it calls ${name}, which throws`;
  }
  return null;
}
