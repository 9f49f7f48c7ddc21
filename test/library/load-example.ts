import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import type { Example } from './read-examples.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Of the package, as its users import it: here it is the source. */
const PACKAGE_IMPORT = /^import (.+) from 'plumbline(?:\/([^']+))?';$/;
/** What is printed, and the comment behind it says what that is. */
const PRINTED = /console\.log\((.*)\); \/\/ (.+)$/;

/** Values that examples take for granted, by name. */
export type Given = Readonly<Record<string, unknown>>;

/** Names that an example uses and does not declare as a property: words in its strings are none. */
export function namesUsed({ code }: Pick<Example, 'code'>, names: readonly string[]): string[] {
  const text = code.replace(/'[^'\n]*'/g, "''").replace(/\/\/.*$/gm, '');
  return names.filter((name) => new RegExp(`(?<![.\\w$])${name}(?![\\w$]|\\s*:)`).test(text));
}

/**
 * Runs an example as its reader would: with what its file exports, with its own imports, and with the values given by name.
 * Whatever it prints with a comment behind is compared with the comment.
 * @param file where it is written to first; a `.ts` file that is not there yet
 * @param imports lines before it
 */
export async function runDocExample(file: string, example: Example, given: Given, imports = ''): Promise<void> {
  const code: string[] = [];
  const own: string[] = [];
  const printed: string[] = [];
  for (const line of example.code.split('\n')) {
    const imported = PACKAGE_IMPORT.exec(line);
    if (imported !== null) {
      const [, what, from = 'library/index'] = imported;
      own.push(`import ${what} from ${sourceOf(join(ROOT, `${from}.ts`))};`);
      continue;
    }
    const shown = PRINTED.exec(line);
    if (shown === null) code.push(line);
    else {
      code.push(line.replace(PRINTED, `console.printed(${printed.length}, $1);`));
      printed.push(shown[2] as string);
    }
  }
  const exported = await exportsOf(example);
  const used = namesUsed(example, exported);
  const text = [
    imports,
    used.length === 0 ? '' : `import { ${used.join(', ')} } from ${sourceOf(example.path)};`,
    ...own,
    "import { writeFile } from 'node:fs/promises';",
    `export default async ({ ${namesUsed(example, Object.keys(given)).join(', ')} }, console) => {`,
    `{ ${code.join('\n')}\n}`,
    '};\n',
  ];
  await writeFile(file, text.join('\n'), { flag: 'wx' });
  const seen = new Set<number>();
  const consoleOfIt = {
    log() {},
    printed(which: number, ...values: unknown[]) {
      seen.add(which);
      assert.equal(format(...values), printed[which], example.where);
    },
  };
  await (await import(pathToFileURL(file).href)).default(given, consoleOfIt);
  assert.deepEqual([...seen].length, printed.length, `${example.where} did not print all that it says`);
}

function sourceOf(path: string): string {
  return JSON.stringify(pathToFileURL(path).href);
}

async function exportsOf({ path }: Example): Promise<string[]> {
  const source = await readFile(path, 'utf8');
  return [...source.matchAll(/^export (?:async )?(?:function\*?|class|const) (\w+)/gm)].map(
    ([, name]) => name as string,
  );
}
