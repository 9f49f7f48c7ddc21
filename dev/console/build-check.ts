import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const folder = join(import.meta.dirname, '..', '..', 'console', 'check');

/**
 * The check page as one file that needs nothing beside it. Its policy allows the one script and the one style that are in it,
 * by their hashes, and requests to nodes of a chain: to any https address, as a policy is fixed before a reader names a node, and
 * to this machine. The page itself asks those alone that were named (console/check/ask-chain.ts), and says so.
 * @returns HTML
 */
export async function buildCheckPage(): Promise<string> {
  const script = await bundle('main.ts');
  const style = await bundle('check.css');
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    'connect-src https: http://127.0.0.1:* http://localhost:*',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return [
    ['content="default-src \'none\'"', `content="${policy}"`],
    ['<link rel="stylesheet" href="check.css">', `<style>${style}</style>`],
    ['<script type="module" src="main.ts">', `<script type="module">${script}`],
  ].reduce(putIn, readFileSync(join(folder, 'check.html'), 'utf8'));
}

function putIn(html: string, [mark = '', text = '']: readonly string[]): string {
  if (!html.includes(mark)) throw new Error(`check.html does not have ${mark}.`);
  return html.replace(mark, () => text);
}

async function bundle(file: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(folder, file)],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'none',
    charset: 'utf8',
  });
  const [first] = outputFiles;
  if (first === undefined) throw new Error(`esbuild made nothing of ${file}.`);
  // What would end the element early, in a text of the script, is written so that it does not.
  return first.text.trim().replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
