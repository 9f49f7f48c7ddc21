/**
 * Sells blocks of a dataset and buys them again, as two parties: offer, look, accept, audit, fetch, approve.
 *
 *     node examples/sell-and-buy.ts plumb-stack/stack.json OWNER_HOME CONSUMER_HOME weather ./bought
 *
 * The password of both homes comes on standard input. The owner's agent, which serves the sale, needs a little ether for gas
 * (local stack: `plumb local admit AGENT --fund-only`). In a project of your own, import from 'plumbline'.
 */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type Address, Consumer, Owner } from '../library/index.ts';

const [stack = '', ownerHome = '', consumerHome = '', dataset = '', out = ''] = process.argv.slice(2);
const password = (await text(process.stdin)).trimEnd();
const { operator } = JSON.parse(await readFile(stack, 'utf8')) as { operator: Address };

const owner = await Owner.open({ stack, home: ownerHome, password });
await owner.authorise(dataset, { css: operator });
const gwei = 10n ** 9n;
const terms = { price: 1_000n * gwei, fee: 50n * gwei, bond: 2_000n * gwei, stake: 1n * gwei };
const { id } = await owner.offer(dataset, { blocks: { from: 0, to: 3 }, ...terms });
console.log(`offered: ${id}`);

// The owner's side of the sale: elsewhere, and for as long as anything is for sale, `plumb owner serve` does this.
const sold = new AbortController();
const serving = owner.serve({ signal: sold.signal, pollMs: 500 });

const consumer = await Consumer.open({ stack, home: consumerHome, password });
const { consumer: mostToLose, odd } = await consumer.look(id);
console.log('the most to lose:', mostToLose);
for (const { words } of odd) console.log(`odd: ${words}`);
// A dataset of a moment ago is odd, and expected here; of anything else the acceptance says why it stops.
await consumer.accept(id, { despite: ['dataset-young'] });
const report = await consumer.audit(id, { protocol: 'IV', sample: 1 });
if (!report.ok) throw new Error('The sample is not intact, so nothing more is paid.');
const { delivered } = await consumer.fetch(id, { out });
if (delivered.stopped !== null) throw new Error(`Stopped at block ${delivered.stopped.index}.`);
console.log(
  `${delivered.verified} blocks are in ${out}; the owner is ${(await consumer.approve(id)).state === 'closed' ? 'paid' : 'not paid yet'}`,
);
sold.abort();
await serving;
