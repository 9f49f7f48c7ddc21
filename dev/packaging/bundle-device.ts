/**
 * Makes the device one file that runs on Node alone, and lays what a machine needs beside it.
 *
 *     node dev/packaging/bundle-device.ts [FOLDER]        build/device when not given
 */
import { copyFileSync, mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..', '..');
const out = resolve(process.argv[2] ?? join(root, 'build', 'device'));
mkdirSync(out, { recursive: true });
const outfile = join(out, 'plumb-device.mjs');
const { metafile } = await build({
  entryPoints: [join(import.meta.dirname, 'device-entry.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'eof',
  metafile: true,
  logLevel: 'warning',
  // Packages of the older kind call require for what Node brings.
  banner: { js: "import { createRequire as cr } from 'node:module'; const require = cr(import.meta.url);" },
});
const brought = Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter(({ external }) => external));
const foreign = brought.map(({ path }) => path).filter((path) => !isBuiltIn(path));
if (foreign.length > 0) {
  console.error(`The bundle still needs ${[...new Set(foreign)].join(', ')}.`);
  process.exit(1);
}
copyFileSync(join(root, 'dev', 'packaging', 'plumb-device.service'), join(out, 'plumb-device.service'));
console.log(`${outfile}: ${Math.ceil(statSync(outfile).size / 1024)} KiB, nothing but Node beside it`);

function isBuiltIn(path: string): boolean {
  return process.getBuiltinModule(path) !== undefined;
}
