/**
 * Verifies a dataset: twenty lines that believe neither the storage nor the service.
 *
 *     node examples/verify.ts plumb-stack/stack.json ~/.plumbline/owner weather    (the password on standard input)
 *
 * In a project of your own, import from 'plumbline'.
 */
import { text } from 'node:stream/consumers';
import { Owner } from '../library/index.ts';

const [stack = '', home = '', dataset = ''] = process.argv.slice(2);
const owner = await Owner.open({ stack, home, password: (await text(process.stdin)).trimEnd() });
const run = owner.verify(dataset, { sample: true });
for await (const { index, verdict, reason } of run) {
  if (verdict !== 'intact') console.log(`block ${index}: ${verdict}: ${reason}`);
}
const { ok, checked, total, counts, assurance } = await run;
console.log(`${counts.intact} of ${checked} checked blocks are intact; there are ${total}. ${assurance.words}`);
process.exitCode = ok ? 0 : 1;
