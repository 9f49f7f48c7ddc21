import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { receiptSchema } from '../../client/receipt/receipt.ts';
import { evidenceSchema } from '../../core/evidence/evidence-schema.ts';
import { exampleEvidence } from './example-evidence.ts';

/**
 * Writes docs/evidence.schema.json from the form that core/evidence reads, docs/example.evidence.json, and
 * docs/receipt.schema.json from the form that client/receipt writes.
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
const receipt = {
  ...z.toJSONSchema(receiptSchema),
  title: 'Plumbline receipt',
  description: 'What `plumb consumer receipt` and `plumb owner receipt` write: docs/specification.md, "Receipts".',
};
const files: Readonly<Record<string, string>> = {
  'evidence.schema.json': `${JSON.stringify(schema, null, 2)}\n`,
  'receipt.schema.json': `${JSON.stringify(receipt, null, 2)}\n`,
  'example.evidence.json': new TextDecoder().decode(await exampleEvidence()),
};
for (const [name, text] of Object.entries(files)) {
  const path = join(docs, name);
  if (!process.argv.includes('--check')) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`docs/${name} is not what the code says. Run: npm run generate`);
    process.exitCode = 1;
  }
}
