import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { evidenceSchema } from '../../core/evidence/evidence-schema.ts';
import { exampleEvidence } from './example-evidence.ts';

/**
 * Writes docs/evidence.schema.json from the form that core/evidence reads, and docs/example.evidence.json.
 *
 *     node dev/specification/generate-evidence.ts [--check]
 */
const docs = join(import.meta.dirname, '..', '..', 'docs');
const schema = {
  ...z.toJSONSchema(evidenceSchema),
  title: 'Plumbline evidence',
  description:
    'application/vnd.plumbline.evidence+json, *.evidence.json: docs/specification.md, "Evidence files". In its one form: keys sorted, no white space (RFC 8785).',
};
const files: Readonly<Record<string, string>> = {
  'evidence.schema.json': `${JSON.stringify(schema, null, 2)}\n`,
  'example.evidence.json': new TextDecoder().decode(await exampleEvidence()),
};
for (const [name, text] of Object.entries(files)) {
  const path = join(docs, name);
  if (!process.argv.includes('--check')) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`docs/${name} is not what core/evidence says. Run: npm run generate`);
    process.exitCode = 1;
  }
}
