/*
 * Puts the Node, forge and anvil that npm installed for this platform first on the path of npm scripts. The packages of all
 * platforms bring programs of the same names; npm 10, leaving out those that do not fit, takes the links of the others with
 * them. Where npm has no Node 24, this machine's own is linked if it is new enough. Plain JavaScript, as it runs on any Node.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const OLDEST_NODE = 24;
const { platform, arch, pid, version, execPath } = process;
const foundry = `${platform}-${arch === 'x64' ? 'amd64' : arch}`;
const modules = join(import.meta.dirname, '..', '..', 'node_modules');
const bin = join(modules, '.bin');

linkInside('node', `node-${platform}-${arch}`);
for (const program of ['forge', 'anvil']) linkInside(program, join('@foundry-rs', `${program}-${foundry}`));
if (Number.parseInt(version.slice(1), 10) >= OLDEST_NODE) link('node', execPath);
if (!existsSync(join(bin, 'node'))) {
  console.warn(
    `npm has no Node ${OLDEST_NODE} for ${platform}-${arch}, and this is ${version}. Install Node ${OLDEST_NODE}.`,
  );
}

buildPage('write-check.ts', 'check page', 'npm run build:check');
buildPage('write-console.ts', 'console', 'npm run build:console');

/**
 * A page that the stack serves. Without the tools that build it, nothing else is the worse.
 * @param {string} file @param {string} what @param {string} remedy
 */
function buildPage(file, what, remedy) {
  const script = join(import.meta.dirname, '..', 'console', file);
  const needed = [join(bin, 'node'), join(modules, 'esbuild'), script];
  if (!needed.every((path) => existsSync(path))) return;
  const { status } = spawnSync(join(bin, 'node'), [script], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) console.warn(`The ${what} was not built. Run: ${remedy}`);
}

/** @param {string} name @param {string} folder of the package, below node_modules */
function linkInside(name, folder) {
  const program = join('..', folder, 'bin', name);
  if (existsSync(join(bin, program))) link(name, program);
}

/** Whatever is linked already stays. @param {string} name @param {string} target absolute, or as seen from the links' folder */
function link(name, target) {
  const place = join(bin, name);
  if (existsSync(place)) return;
  mkdirSync(bin, { recursive: true });
  const made = `${place}.${pid}`;
  symlinkSync(target, made);
  renameSync(made, place);
}
