import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildCheckPage } from './build-check.ts';

const folder = join(import.meta.dirname, '..', '..', 'build', 'console');

/** Writes the check page where the local stack and the package find it, all of it or nothing. @returns path and HTML */
export async function writeCheckPage(): Promise<{ readonly path: string; readonly html: string }> {
  const path = join(folder, 'check.html');
  const html = await buildCheckPage();
  mkdirSync(folder, { recursive: true });
  const beside = `${path}.${process.pid}`;
  writeFileSync(beside, html);
  renameSync(beside, path);
  return { path, html };
}
