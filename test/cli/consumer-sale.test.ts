import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecretFile } from '../../adapters/keys/secret-file.ts';
import { receiptSchema } from '../../client/receipt/receipt.ts';
import { dueFor } from '../../core/agreement/quota.ts';
import { to0x, utf8 } from '../../core/bytes.ts';
import { type AgreementId, address, NATIVE_COIN } from '../../core/ids.ts';
import { parseDescription, signDescription } from '../../core/market/description.ts';
import type { SignedText } from '../../core/market/signed-text.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { agentFileText } from '../../library/agent-file.ts';
import { openPurchaseFile } from '../../library/purchase-file.ts';
import { fund } from '../../local/stack/fund.ts';
import { IDLE_AGENT } from '../protocols/consumer-scene.ts';
import { startLyingProxy } from '../protocols/lying-proxy.ts';
import { BLOCKS, FUNDS_WEI, type RecordedStack, startRecordedStack, until } from '../protocols/recorded-stack.ts';
import { type Bought, buy, makeSeller, type Seller } from '../protocols/sale-on-stack.ts';
import { quickenKeystore } from './quicken-keystore.ts';
import { runPlumb } from './run-plumb.ts';
import { startReceiver, startServing } from './serve-sales.ts';

const DATASETS = 5;
const SALES = 20;

/* What a consumer does on the command line against an owner who keeps the word, and one who does not. */
describe('a consumer on the embedded stack', { timeout: 300_000 }, () => {
  let folder: string;
  let stack: RecordedStack;
  let seller: Seller;
  let account: string;
  const consumer = async (exitCode: number, ...args: string[]) => {
    const env = { PLUMB_STACK: join(stack.folder, 'stack.json'), PLUMB_HOME: join(folder, 'consumer') };
    const ended = await runPlumb(['consumer', ...args, '--password-file', join(folder, 'password'), '--json'], env);
    assert.equal(ended.exitCode, exitCode, ended.stdout + ended.stderr);
    return JSON.parse(ended.stdout.trim().split('\n').at(-1) as string);
  };
  const asPerson = (...args: string[]) =>
    runPlumb([...args, '--password-file', join(folder, 'password')], {
      ...{ PLUMB_STACK: join(stack.folder, 'stack.json'), PLUMB_HOME: join(folder, 'consumer') },
    });
  /** It opens no key, so it takes no password. */
  const receiptOf = async (id: string, ...args: string[]) => {
    const env = { PLUMB_STACK: join(stack.folder, 'stack.json'), PLUMB_HOME: join(folder, 'consumer') };
    const made = await runPlumb(['consumer', 'receipt', id, ...args, '--latest', '--json'], env);
    assert.equal(made.exitCode, 0, made.stdout + made.stderr);
    return JSON.parse(made.stdout);
  };
  const agreementOf = async (id: AgreementId) => {
    const { agreement } = await stack.market.readAgreement(id, 'latest');
    return agreement ?? assert.fail('no agreement');
  };
  const creditWei = () => stack.market.readCredit(NATIVE_COIN, address(account), 'latest');

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-consumer-'));
    stack = await startRecordedStack(DATASETS, BLOCKS, { oneOwner: true });
    seller = await makeSeller(stack, stack.datasets[0]!);
    stack.ending(seller.serve());
    await writeFile(join(folder, 'password'), 'correct horse battery\n', { mode: 0o600 });
    ({ account } = await consumer(0, 'init', '--mnemonic-out', join(folder, 'mnemonic')));
    await quickenKeystore(join(folder, 'consumer'), 'correct horse battery');
    await fund(stack.rpc, address(account), FUNDS_WEI);
  });
  after(async () => {
    await stack?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('reads the previews of a sample before paying, fetches all, and has a paid key shown on the chain', async () => {
    const { id } = await seller.offer({ samples: 4, previews: 2 });
    assert.deepEqual((await consumer(0, 'purchases')).purchases, [], 'before the first one');
    const said = await describeOffer(id, 'Rain, as it fell');
    await consumer(0, 'accept', id, '--yes');
    const previews = join(folder, 'previews');
    const audit = ['audit', id, '--protocol', 'IV', '--sample', '3', '--previews', previews];
    const report = await consumer(0, ...audit);
    assert.deepEqual([report.counts.intact, report.previews.length, report.samplesLeft], [3, 2, 1]);
    const { challengesLeft, wins, chanceOfOneLostChunk } = report.penalty;
    assert.deepEqual([challengesLeft, BigInt(wins)], [4, 1300n - 100n + 500n]);
    assert.ok(chanceOfOneLostChunk > 0.0038 && chanceOfOneLostChunk < 0.004, 'four seeds of 1,024');
    for (const { index, path } of report.previews as { index: number; path: string }[]) {
      assert.deepEqual(await readFile(path), Buffer.from(seller.of.contents[index] as Uint8Array));
    }
    const late = await consumer(0, 'audit', id, '--sample', '1', '--previews', previews);
    assert.match(late.noPreview, /^none: the first samples bring .* earlier audits drew them: blocks \d+, \d+$/);
    const early = await consumer(2, 'demand', id, '--blocks', '0');
    assert.match(early.error.message, /You have not signed for any block/);
    const fetched = await consumer(0, 'fetch', id, '--out', join(folder, 'bought'), '--ahead', '4');
    assert.deepEqual([fetched.verified, fetched.stopped], [12, null]);
    const again = await consumer(0, 'fetch', id, '--out', join(folder, 'bought'));
    assert.deepEqual([again.verified, again.restored, again.ok], [12, null, true]);
    const elsewhere = await consumer(6, 'fetch', id, '--out', join(folder, 'elsewhere'));
    assert.match(elsewhere.error.message, /was written to .*bought\. To fetch them once more, move .*\.json away/);
    assert.deepEqual(fetched.risk, { blocks: 4, money: '500', byDefault: { blocks: 1, money: '200' } });
    // The chain learns by the consumer's own claim that the block is paid for.
    const demanded = await consumer(0, 'demand', id, '--blocks', '7-8');
    assert.deepEqual([demanded.outcome, demanded.state], ['answered', 'active']);
    assert.deepEqual(
      demanded.demands.map(({ block, outcome }: { block: number; outcome: string }) => [block, outcome]),
      [
        [7, 'answered'],
        [8, 'answered'],
      ],
    );
    const { demands, due, terms } = await agreementOf(id);
    assert.deepEqual([demands, due], [2, terms.price]);
    // What is on the chain already is not paid for again; more than the terms allow is refused before anything is sent.
    assert.equal((await consumer(0, 'demand', id, '--blocks', '8', '--wait')).demands[0].demand, null);
    assert.match((await consumer(2, 'demand', id, '--blocks', '0-6')).error.message, /leaves 2 of 4 demands/);
    assert.equal((await agreementOf(id)).demands, 2);
    assert.equal((await consumer(0, 'approve', id)).state, 'closed');
    await looksBack(id);
    await keepsItsWord(id, said);
  });

  /** What the seller says of an offer, as the service has it from then on. */
  async function describeOffer(id: AgreementId, title: string): Promise<SignedText> {
    const unknown = { v: 1 as const, about: null, period: null, sizeBytes: null, contents: [], moreNames: 0 };
    const description = { ...unknown, title, licence: null, contact: null, request: null };
    const signed = signDescription(stack.market.domain, id, description, stack.datasets[0]!.ownerKey);
    await stack.clientOf(stack.datasets[0]!.ownerKey).putDescription(id, signed);
    return signed;
  }

  /** An owner who signs another description afterwards, and a service that shows it in place of the first. */
  async function keepsItsWord(id: AgreementId, said: SignedText): Promise<void> {
    const { described } = (await openPurchaseFile(join(folder, 'consumer'), id)).state;
    assert.equal(described?.text, said.text);
    const swapped = signDescription(
      stack.market.domain,
      id,
      { ...parseDescription(said.text), title: 'No rain at all' },
      stack.datasets[0]!.ownerKey,
    );
    const proxy = await startLyingProxy(stack.apiUrl);
    // Requests are signed for the service's own name, so that it refuses them: the proxy answers in its place.
    proxy.rule = () => () => ({
      ...{ status: 200, headers: { 'content-type': 'application/json' } },
      body: utf8(
        JSON.stringify({ descriptions: [{ agreement: id, text: swapped.text, signature: to0x(swapped.signature) }] }),
      ),
    });
    try {
      const other = join(folder, 'swapped.json');
      await createSecretFile(other, JSON.stringify({ ...stack.file, apiUrl: proxy.url }));
      const env = { PLUMB_STACK: other, PLUMB_HOME: join(folder, 'consumer') };
      const out = join(folder, 'kept.json');
      const made = await runPlumb(['consumer', 'receipt', id, '--latest', '--out', out], env);
      assert.match(
        made.stderr,
        /now shows another description than the one that you accepted\. The owner has signed both/,
      );
      assert.equal(receiptSchema.parse(JSON.parse(await readFile(out, 'utf8'))).description?.text, said.text);
    } finally {
      await proxy.close();
    }
  }

  /** What is left of a sale that is over: it is listed, and its receipt adds up. */
  async function looksBack(id: AgreementId): Promise<void> {
    const { purchases } = await consumer(0, 'purchases');
    const [bought] = purchases as { agreement: { id: string; state: string }; next: string }[];
    assert.deepEqual([purchases.length, bought?.agreement.id, bought?.agreement.state], [1, id, 'closed']);
    assert.match(bought?.next ?? '', /plumb consumer withdraw/);
    const [out, html] = [join(folder, 'receipt.json'), join(folder, 'receipt.html')];
    const env = { PLUMB_STACK: join(stack.folder, 'stack.json'), PLUMB_HOME: join(folder, 'consumer') };
    const made = await receiptOf(id.slice(0, 12), '--out', out, '--html', html);
    const receipt = receiptSchema.parse(JSON.parse(await readFile(out, 'utf8')));
    assert.deepEqual(made.receipt, receipt);
    assert.deepEqual([receipt.agreement, receipt.state, receipt.paidBlocks], [id, 'closed', 12]);
    const { terms, demands } = await agreementOf(id);
    assert.ok(demands > 0);
    assert.deepEqual(receipt.outcome, { toOwner: String(terms.price + terms.bond), toConsumer: '0' });
    assert.deepEqual(receipt.challenges, { asked: 0, answered: 0 });
    assert.deepEqual(receipt.demands, { asked: demands, answered: demands });
    assert.deepEqual([receipt.local?.verified, receipt.local?.sampled], [12, 4]);
    const events = receipt.steps.map(({ event }) => event);
    assert.deepEqual([events[0], events[1]], ['offered', 'accepted']);
    for (const event of ['claimed', 'key-demanded', 'key-shown', 'closed', 'credited']) {
      assert.ok(events.includes(event as (typeof events)[number]), event);
    }
    const page = await readFile(html, 'utf8');
    assert.match(page, /Content-Security-Policy" content="default-src &#39;none&#39;; style-src/);
    assert.doesNotMatch(page, /<script|<img|<link|href=|src=/);
    const owner = await runPlumb(['owner', 'receipt', id.slice(0, 12), '--latest', '--json'], env);
    const { local: _, asOf: __, ...same } = receipt;
    const { local: own, asOf: ___, ...sold } = JSON.parse(owner.stdout).receipt;
    assert.deepEqual([own, sold], [null, same], 'both sides read the same of the chain');
  }

  it('opens a block with the key that a demand has brought onto the chain, where no message of the owner comes', async () => {
    const proxy = await startLyingProxy(stack.apiUrl);
    stack.ending(() => proxy.close());
    proxy.rule = ({ method, path }) => (method === 'POST' && path.includes('/messages') ? 'cut' : 'pass');
    const mute = await makeSeller(stack, stack.datasets[0]!);
    stack.ending(mute.serve(proxy));
    const { id } = await mute.offer({ samples: 1, windowSeconds: 60 });
    await consumer(0, 'accept', id, '--yes');
    const out = join(folder, 'shown');
    const fetch = ['fetch', id, '--out', out, '--patience', '1'];
    assert.equal((await consumer(1, ...fetch)).verified, 0);
    await mute.event('archived', id);
    assert.equal((await consumer(0, 'demand', id, '--blocks', '0', '--wait')).outcome, 'answered');
    const fetched = await consumer(1, ...fetch);
    assert.deepEqual([fetched.verified, fetched.unproven, fetched.stopped.index], [1, [0], 1]);
    const { terms } = await agreementOf(id);
    assert.equal(BigInt(fetched.due), dueFor(terms, 2), 'for one block more, as before');
    const lines = await readFile(join(out, 'first-1-blocks', 'lines'));
    assert.deepEqual(lines, Buffer.from(mute.of.contents[0] as Uint8Array));
    // One whose key came by the mailbox is proven by it.
    proxy.reset();
    const whole = await consumer(1, 'fetch', id, '--out', out);
    assert.deepEqual([whole.verified, whole.unproven, whole.stopped], [12, [0], null]);
    assert.deepEqual(await readFile(join(out, 'lines')), Buffer.concat(mute.of.contents));
  });

  it('is shown what can be lost and what is odd, and sends nothing before it has said yes', async () => {
    const { id, terms } = await seller.offer({ fee: 400n, bond: 400n, durationSeconds: 9, windowSeconds: 5 });
    const newest = () => stack.rpc.call('eth_blockNumber', []);
    // With every block the base fee moves, and with it what a question costs.
    const [looked, again] = await until('Two looks at one block', async () => {
      const before = await newest();
      const looks = [await consumer(7, 'accept', id), await consumer(0, 'accept', id, '--dry-run', '--yes')];
      return (await newest()) === before ? looks : null;
    });
    assert.deepEqual(
      looked.odd.map(({ code }: { code: string }) => code).filter((code: string) => code !== 'dataset-young'),
      ['fee-high', 'bond-low', 'duration-short'],
    );
    assert.deepEqual([looked.accepted, looked.mostToLose.blocks], [false, 1]);
    assert.equal(BigInt(looked.mostToLose.money), dueFor(terms, 1));
    assert.deepEqual(again, looked);
    assert.match((await consumer(2, 'accept', id, '--yes', '--token', account)).error.message, /not in 0x/);
    assert.equal((await agreementOf(id)).state, 'offered');
  });

  it('pays an owner who sends no keys for one block, demands its key, and gets bond and escrow without it', async () => {
    const { id } = await seller.offer({ samples: 1, bond: 200n }, IDLE_AGENT);
    await consumer(0, 'accept', id, '--yes');
    const fetch = ['fetch', id, '--out', join(folder, 'never'), '--ahead', '12', '--patience', '1'];
    const stopped = await consumer(1, ...fetch);
    const { terms } = await agreementOf(id);
    assert.deepEqual([stopped.verified, BigInt(stopped.due)], [0, dueFor(terms, 1)]);
    assert.match(stopped.next, /plumb consumer demand 0x[0-9a-f]{64} --blocks 0 --wait/);
    const again = await asPerson('consumer', ...fetch);
    assert.equal(again.exitCode, 1);
    assert.match(again.stdout, /signed for {4}0\.0{15}2 ether of 0\.0{14}13 ether/, 'nothing more is signed');
    assert.match(
      again.stderr,
      /^Pays for 12 blocks before .* lose 0\.0{14}13 ether.*; without --ahead it is 1 block /m,
    );

    const demanded = await consumer(1, 'demand', id, '--blocks', '0', '--wait');
    assert.equal(demanded.outcome, 'unanswered');
    assert.match(
      (await consumer(2, 'demand', id, '--blocks', '1')).error.message,
      /You have not signed for block 1, only for 0 to 0\./,
    );
    assert.match((await consumer(6, 'challenge', id, '0')).error.message, /Only one question can be open at a time/);
    const early = await consumer(6, 'breach', id);
    assert.match(early.error.message, /OCASC_WrongState|state/);
    const lapsed = await consumer(0, 'lapse', id);
    assert.equal(lapsed.state, 'lapsed');
    assert.equal(lapsed.question.asks, 'key');
    assert.match(JSON.stringify(await consumer(0, 'status', id)), /"state":"lapsed"/);
    const before = await creditWei();
    // Nobody sends a transaction meanwhile: the chain's next block is of this machine's time.
    await sleep(Math.max(0, 1000 * (lapsed.question.graceEndSeconds + 1) - Date.now()));
    assert.equal((await consumer(0, 'breach', id)).state, 'breached');
    const { due } = await agreementOf(id);
    assert.equal(due, dueFor(terms, 1));
    const stakeWei = BigInt(lapsed.question.stakeWei);
    assert.equal((await creditWei()) - before, terms.price - due + terms.bond + stakeWei);
    const html = join(folder, 'breached.html');
    const { receipt } = await receiptOf(id, '--html', html);
    assert.deepEqual(
      [receipt.state, receipt.due, receipt.demands],
      ['breached', String(due), { asked: 1, answered: 0 }],
    );
    assert.equal(BigInt(receipt.outcome.toConsumer), terms.price - due + terms.bond);
    assert.match(await readFile(html, 'utf8'), /the seller has not answered a question, and has lost the bond/);
    assert.ok(BigInt((await consumer(0, 'withdraw')).amount) >= terms.price - due + terms.bond + stakeWei);
  });

  it('is served by an unattended process, as others are: twenty sales of five datasets, killed in the middle of an alert', async () => {
    const agentKey = await stack.funded();
    const agent = accountOfKey(agentKey);
    const datasets = stack.datasets.map(({ dataset, charter, datasetKey }, i) => ({
      ...{ name: `readings-${i}`, dataset, keys: [{ serial: charter.serial, datasetKey }] },
    }));
    const offersSecret = new Uint8Array(randomBytes(32));
    const file = join(folder, 'agent.json');
    await createSecretFile(file, agentFileText({ ...seller.file, agentKey, offersSecret, datasets }));
    const buying: Promise<Bought>[] = [];
    for (let i = 0; i < SALES; i++) {
      const of = stack.datasets[i % DATASETS] ?? assert.fail();
      const terms = { dataset: of.dataset, windowSeconds: 60, samples: 1 };
      const offer = await seller.offer(terms, agent, { of, offersSecret });
      buying.push(buy(stack, offer));
    }
    const sales = await Promise.all(buying);
    const receiver = await startReceiver();
    stack.ending(async () => receiver.close());
    const webhook = join(folder, 'webhook.json');
    await writeFile(webhook, JSON.stringify({ url: receiver.url }), { mode: 0o600 });
    const args = ['owner', 'serve', '--agent', file, '--poll', '1s', '--json'];
    const serve = () => startServing([...args, '--health', '0', '--alerts', webhook]);

    const first = serve();
    const port = Number((await first.said('ready')).health);
    const health = () => fetch(`http://127.0.0.1:${port}/health`).then((answer) => answer.json());
    await first.said('archived', SALES);
    const well = await until('A round of all sales', async () => {
      const said = await health();
      return said.openSales === SALES && said.failingSales === 0 ? said : null;
    });
    assert.deepEqual([well.status, well.datasets, well.alertsPending], ['ok', DATASETS, 0]);
    // One sale of each dataset is challenged; the receiver hears of the first and never answers.
    const challenged = sales.slice(0, DATASETS);
    await Promise.all(
      challenged.map(({ id, party }, block) =>
        party.agreements.challenge(id, { block, seed: 1, valueWei: 10n ** 17n }),
      ),
    );
    const cut = await receiver.next();
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    assert.match(metrics, /^plumb_owner_events_total\{event="archived"\} 20$/m);
    assert.match(metrics, /^plumb_owner_alerts_pending [1-9]/m);
    await first.kill('SIGKILL');

    receiver.answers = true;
    const second = serve();
    const opened = () => receiver.told.filter(({ alert }) => alert === 'question-opened');
    await until('Every alert', () => (new Set(opened().map(({ id }) => id)).size === DATASETS ? true : null));
    await until('Every answer', async () => {
      const states = await Promise.all(challenged.map(({ id }) => agreementOf(id)));
      return states.every(({ question, challenges }) => question === null && challenges === 1) ? true : null;
    });
    await second.kill('SIGINT');
    assert.equal(second.child.exitCode, 0);
    assert.deepEqual(
      opened()
        .map(({ agreement }) => agreement)
        .toSorted(),
      challenged.map(({ id }) => id).toSorted(),
      'each question once',
    );
    assert.ok(
      opened().some(({ id }) => id === cut.id),
      'the one that was cut off is told again, under its id',
    );
    assert.equal(new Set(receiver.told.map(({ id }) => id)).size, receiver.told.length, 'nothing is told twice');
    await Promise.all(sales.map(({ id, party }) => party.agreements.approve(id)));
  });
});
