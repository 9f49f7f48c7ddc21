/**
 * Writes the check page to build/console/check.html.
 *
 *     node dev/console/write-check.ts
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildCheckPage } from './build-check.ts';

const folder = join(import.meta.dirname, '..', '..', 'build', 'console');
const path = join(folder, 'check.html');
const html = await buildCheckPage();
mkdirSync(folder, { recursive: true });
writeFileSync(path, html);
console.log(`${path}: ${html.length} bytes, ${gzipSync(html).length} compressed`);
