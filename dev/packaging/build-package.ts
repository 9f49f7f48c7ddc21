/**
 * Compiles what the npm package holds, as Node strips no types below node_modules. `npm pack` calls it.
 *
 *     node dev/packaging/build-package.ts
 *
 * What it leaves in build/package/ are JavaScript and declarations in the folders of the sources; package.json's `exports`
 * name them.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const out = join(root, 'build', 'package');
rmSync(out, { recursive: true, force: true });
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', join(import.meta.dirname, 'tsconfig.json')], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
if (status !== 0) process.exit(1);

// Of the manifest, which the command line imports for its version, the compiler has left a copy.
const { name, version, type } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
writeFileSync(join(out, 'package.json'), `${JSON.stringify({ name, version, type })}\n`);

for (const path of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
  if (!path.endsWith('.d.ts')) continue;
  const file = join(out, path);
  writeFileSync(file, toJavaScriptImports(readFileSync(file, 'utf8')));
}

/** Declarations keep the sources' `./x.ts`, which is not there. */
function toJavaScriptImports(declarations: string): string {
  return declarations.replace(/((?:from|import)\s*\(?\s*["']\.{1,2}\/[^"']+)\.ts(["'])/g, '$1.js$2');
}
