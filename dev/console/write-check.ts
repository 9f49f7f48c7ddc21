/**
 * Writes the check page to build/console/check.html.
 *
 *     node dev/console/write-check.ts
 */
import { gzipSync } from 'node:zlib';
import { writeCheckPage } from './write-page.ts';

const { path, html } = await writeCheckPage();
console.log(`${path}: ${html.length} characters, ${gzipSync(html).length} bytes compressed`);
