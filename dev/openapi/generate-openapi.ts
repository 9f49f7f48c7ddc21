/**
 * Writes docs/openapi.json, the description of the service's HTTP interface, from the table of functions.
 *
 *     node dev/openapi/generate-openapi.ts [--check]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeService } from '../../functions/openapi/describe-service.ts';
import { writeDocument } from '../../functions/openapi/write-document.ts';

const path = join(import.meta.dirname, '..', '..', 'docs', 'openapi.json');
const text = writeDocument(describeService());
if (!process.argv.includes('--check')) {
  writeFileSync(path, text);
} else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
  console.error('docs/openapi.json is not what the table of functions says. Run: npm run openapi');
  process.exitCode = 1;
}
