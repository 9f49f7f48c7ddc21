/*
 * Puts the Node that npm installed here first on the path of npm scripts. Both platform packages bring a `node`; npm 10,
 * leaving out the one that does not fit, takes the link of the other with it. Plain JavaScript, as it runs on any Node.
 */
import { existsSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const inside = join('..', `node-${process.platform}-${process.arch}`, 'bin', 'node');
const bin = join(root, 'node_modules', '.bin');
const link = join(bin, 'node');
if (!existsSync(link) && existsSync(join(bin, inside))) {
  mkdirSync(bin, { recursive: true });
  const made = `${link}.${process.pid}`;
  symlinkSync(inside, made);
  renameSync(made, link);
}
