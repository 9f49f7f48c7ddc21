import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { parseEvidence } from '../../core/evidence/parse-evidence.ts';
import { verifyEvidence } from '../../core/evidence/verify-evidence.ts';
import {
  ArgumentError,
  Auditor,
  Consumer,
  FileError,
  KeyError,
  Owner,
  PlumblineError,
  type Proven,
  type SaleEvent,
  SaleStateBusyError,
} from '../../library/index.ts';
import { answerQuery, makeAuthority, serveAuthority } from '../adapters/timestamp/make-authority.ts';
import { TestBroker } from '../device/mqtt-broker.ts';
import { givenOnStack } from './given-on-stack.ts';
import { LINES, type LibraryStack, PASSWORD, startLibraryStack } from './library-stack.ts';
import { namesUsed, runDocExample } from './load-example.ts';
import { ON_STACK } from './on-stack.ts';
import { readExamples } from './read-examples.ts';
import { runExample, startExample } from './run-example.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** The owner's side of sales, in this process. */
function serve(owner: Owner) {
  const events: SaleEvent[] = [];
  const ending = new AbortController();
  const ended = owner.serve({ signal: ending.signal, pollMs: 200, onEvent: (event) => events.push(event) });
  // Awaited where it is stopped.
  ended.catch(() => {});
  const stop = (): Promise<number> => {
    ending.abort();
    return ended;
  };
  return { events, stop };
}

/* The library as a program uses it, on one embedded stack. The cases build on each other. */
describe('the library on the embedded stack', { timeout: 300_000 }, () => {
  let stack: LibraryStack;
  let owner: Owner;
  let serving: ReturnType<typeof serve>;
  const password = PASSWORD;
  before(async () => {
    stack = await startLibraryStack();
    owner = await Owner.open({ stack: stack.stack, home: stack.home, password });
  });
  after(async () => {
    await serving?.stop();
    await stack?.close();
  });

  it('verifies: awaited it is the report, gone through it is every verdict, and then the report', async () => {
    const report = await owner.verify('weather', { sample: true });
    assert.deepEqual([report.ok, report.checked, report.counts.intact], [true, LINES.length, LINES.length]);
    const run = owner.verify('weather', { protocol: 'II', from: 's3' });
    const seen: number[] = [];
    for await (const { index, verdict } of run) if (verdict === 'intact') seen.push(index);
    assert.deepEqual(
      seen.toSorted((a, b) => a - b),
      [0, 1, 2, 3],
    );
    assert.equal((await run).checked, LINES.length);
  });

  it('needs no home to verify: the mnemonic and the chain are enough, from plain values too', async () => {
    const { rpcUrl, chainId, apiUrl, contracts } = JSON.parse(await readFile(stack.stack, 'utf8'));
    const connection = { rpcUrl, chainId, apiUrl, dissc: contracts.DISSC, ocasc: contracts.OCASC, asc: contracts.ASC };
    const bare = await Owner.open({ connection, mnemonic: await stack.readMnemonic('owner') });
    assert.equal(bare.account, owner.account);
    assert.deepEqual(
      (await bare.datasets()).map(({ name }) => name),
      ['weather'],
    );
    assert.equal((await bare.verify('weather', { blocks: { from: 1, to: 2 } })).checked, 2);
    await assert.rejects(bare.authorise('weather', { css: bare.account }), /sends a transaction, so give home/);
  });

  it('gives blocks, and files', async () => {
    const got: string[] = [];
    for await (const { content } of owner.get('weather')) got.push(Buffer.from(content as Uint8Array).toString());
    assert.deepEqual(
      got.map((line) => line.trimEnd()),
      LINES,
    );
    const out = stack.path('restored');
    const { restored, notIntact } = await owner.getFiles('weather', out);
    assert.deepEqual([restored.lines?.blocks, notIntact], [LINES.length, []]);
    assert.equal(await readFile(join(out, restored.lines?.path as string), 'utf8'), LINES.join('\n'));
    const both = owner.get('weather', { blocks: { from: 0, to: 1 }, times: { from: 0, to: 1 } });
    await assert.rejects(both.next(), ArgumentError);
  });

  it('lets an auditor verify, who cannot read', async () => {
    const auditor = await Auditor.open({ stack: stack.stack, file: stack.auditorFile });
    assert.deepEqual(
      auditor.datasets.map(({ name }) => name),
      ['weather'],
    );
    assert.equal((await auditor.verify('weather')).counts.intact, LINES.length);
    await assert.rejects(async () => await auditor.verify('nothing'), ArgumentError);
  });

  it('says whose turn it is: arguments, files, keys', async () => {
    const open = (options: object) => Owner.open(options as Parameters<typeof Owner.open>[0]);
    await assert.rejects(open({ mnemonic: 'x' }), ArgumentError);
    await assert.rejects(open({ stack: stack.stack, connection: {}, password, home: stack.home }), ArgumentError);
    await assert.rejects(open({ stack: stack.stack }), ArgumentError);
    await assert.rejects(open({ stack: stack.stack, password }), /give home as well/);
    await assert.rejects(open({ stack: stack.path('none.json'), home: stack.home, password }), FileError);
    await assert.rejects(
      open({ connection: { rpcUrl: 7 }, home: stack.home, password }),
      /^ArgumentError: The connection/,
    );
    await assert.rejects(open({ stack: stack.stack, home: stack.home, password: 'wrong' }), KeyError);
    await assert.rejects(async () => await owner.verify('nothing'), PlumblineError);
    await assert.rejects(async () => await owner.verify('weather', { protocol: 'II' }), ArgumentError);
  });

  it('sells and buys: authorised, offered, accepted, audited, fetched, approved', async () => {
    await stack.fund(owner.agent);
    serving = serve(owner);
    const granted = await owner.authorise('weather', { css: stack.operator as `0x${string}` as typeof owner.account });
    assert.equal(granted.grant.state, 'accepted');
    const terms = { blocks: { from: 0, to: 3 }, price: 1_300n, fee: 100n, bond: 500n, stake: 3n };
    const { id } = await owner.offer('weather', { ...terms, window: 30, duration: 3_600 });
    assert.equal((await owner.offer('weather', { ...terms, window: 30, duration: 3_600 })).txHash, null, 'once');
    const consumer = await Consumer.open({ stack: stack.stack, home: stack.consumerHome, password });
    assert.deepEqual(
      (await consumer.offers()).map((offer) => offer.id),
      [id],
    );
    const codes = (await consumer.look(id)).odd.map(({ code }) => code);
    assert.ok(codes.includes('bond-low') && codes.includes('dataset-young'), codes.join());
    await assert.rejects(consumer.accept(id, { despite: ['dataset-young'] }), /is odd \(.*bond-low.*\)/);
    assert.equal((await consumer.accept(id, { despite: codes })).state, 'active');
    assert.equal((await consumer.accept(id)).buyer?.consumer, consumer.account, 'once');
    assert.deepEqual(await consumer.offers(), []);
    assert.equal((await consumer.audit(id, { sample: 2 })).counts.intact, 2);
    const out = stack.path('bought');
    const { delivered } = await consumer.fetch(id, { out });
    assert.deepEqual([delivered.verified, delivered.stopped], [4, null]);
    assert.equal(await readFile(join(out, 'lines'), 'utf8'), LINES.join('\n'));
    assert.equal((await consumer.approve(id)).state, 'closed');
    assert.equal((await consumer.approve(id)).state, 'closed', 'once');
    const seen = serving.events.filter(({ agreement }) => agreement === id).map(({ event }) => event);
    for (const event of ['offer-found', 'accepted', 'archived', 'request', 'keys-sent', 'voucher'] as const) {
      assert.ok(seen.includes(event), `${event}: ${seen.join()}`);
    }
    await assert.rejects(owner.serve({ once: true }), SaleStateBusyError);
    assert.equal(await serving.stop(), 0);
  });

  it('makes evidence that holds for who has nothing but the file: by the owner with the keys, by an auditor without', async () => {
    const read = ({ file }: Proven) => {
      const evidence = parseEvidence(file);
      return { evidence, ...verifyEvidence(nodePrimitives, evidence, evidence.domain) };
    };
    const done: number[] = [];
    const { signer, issuer } = await makeAuthority();
    const stamp = { signer, others: [issuer] };
    const authority = await serveAuthority(async (query) => ({ body: await answerQuery(query, stamp) }));
    const opened = await owner.prove('weather', {
      ...{ blocks: { from: 1, to: 2 }, open: true, timestamp: authority.url },
      onProgress: (count) => done.push(count),
    });
    await authority.stop();
    assert.equal(opened.report.timestamp?.authority, 'CN=Test time');
    assert.deepEqual([opened.report.verdict, opened.report.count, done.at(-1)], ['intact', 2, 2]);
    const mine = read(opened);
    assert.deepEqual([mine.holds, mine.blocks], [true, [1, 2]]);
    assert.ok(
      mine.evidence.blocks.every(({ contentKey }) => contentKey !== null),
      'it opens the content',
    );
    const auditor = await Auditor.open({ stack: stack.stack, file: stack.auditorFile });
    const theirs = read(
      await auditor.prove('weather', { times: { from: 0, to: Date.now() + 60_000 }, withBytes: true }),
    );
    assert.deepEqual([theirs.holds, theirs.hashed.length], [true, LINES.length], 'the bytes are in it, and hashed');
    assert.ok(
      theirs.evidence.blocks.every(({ contentKey }) => contentKey === null),
      'it opens no content',
    );
    await assert.rejects(owner.prove('weather', {}), /Give one of blocks, file and times, not 0 of them/);
    await assert.rejects(owner.prove('weather', { blocks: [{ from: 0, to: 4 }] }), /There is no block 4 yet/);
    await assert.rejects(auditor.prove('nothing', { file: 'x' }), ArgumentError);
  });

  it('is used by programs to start from: verifying in twenty lines, selling and buying, a device for MQTT', async () => {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    const chapter = /## From a program\n([\s\S]*?)\n## /.exec(readme)?.[1] ?? '';
    // As it is printed, but for the place of the repository and the password.
    const [, line = ''] = /```sh\n(.+)\n```/.exec(chapter) ?? [];
    const command = line.replaceAll('../', `${ROOT}/`).replace("'the password'", `'${PASSWORD}'`);
    assert.notEqual(command, line);
    const verified = spawnSync('sh', ['-c', command], { cwd: stack.folder, encoding: 'utf8' });
    assert.match(verified.stdout, /^4 of 4 checked blocks are intact; there are 4\./, verified.stderr);
    assert.equal(verified.status, 0);
    const code = /```ts\n([\s\S]+?)\n```/.exec(chapter)?.[1] ?? '';
    const [path, before] = [join(ROOT, 'library', 'index.ts'), process.cwd()];
    process.chdir(stack.folder);
    try {
      await runDocExample(stack.path('readme.ts'), { path, where: 'README.md', code }, { password });
    } finally {
      process.chdir(before);
    }
    const wrong = await runExample('verify.ts', [stack.stack, stack.home, 'weather'], 'wrong');
    assert.match(wrong.stderr, /KeyError/);
    assert.equal(wrong.exitCode, 1);
    const parties = [stack.stack, stack.home, stack.consumerHome, 'weather', stack.path('program')];
    const sold = await runExample('sell-and-buy.ts', parties, PASSWORD);
    assert.match(sold.stdout, /4 blocks are in .*program; the owner is paid/, sold.stderr);

    const broker = new TestBroker();
    const port = await broker.listen();
    try {
      const acked = new Promise<void>((resolve) => {
        broker.onAck = () => resolve();
      });
      broker.publish('plant/1', 'warm');
      const device = startExample('mqtt-device.ts', [
        await stack.provision('plant'),
        `mqtt://127.0.0.1:${port}/plant/#`,
      ]);
      await acked;
      device.child.kill('SIGINT');
      const { exitCode, stdout, stderr } = await device.ended;
      assert.equal(exitCode, 0, stdout + stderr);
    } finally {
      await broker.close();
    }
  });

  // Behind the sale, so that the dataset is authorised and its agent has gas.
  it('runs every example of its documentation', async (t) => {
    const { id: agreement } = await owner.offer('weather', {
      ...{ blocks: { from: 0, to: 3 }, price: 4n, fee: 1n, bond: 9n, stake: 1n },
      ...{ window: 31, duration: 3_601 },
    });
    const consumer = await Consumer.open({ stack: stack.stack, home: stack.consumerHome, password });
    await consumer.accept(agreement, { despite: (await consumer.look(agreement)).odd.map(({ code }) => code) });
    serving = serve(owner);
    const examples = await readExamples(join(ROOT, 'library'));
    assert.ok(examples.length >= 20, `${examples.length} examples`);
    const { operator, home, consumerHome, auditorFile, path } = stack;
    const deviceFile = path('device.json');
    for (const [i, example] of examples.entries()) {
      const given = {
        stack: stack.stack,
        operator,
        home,
        consumerHome,
        auditorFile,
        deviceFile,
        password,
        agreement,
        owner,
      };
      await t.test(example.where, () =>
        runDocExample(stack.path(`library-${i}.ts`), example, { ...given, out: stack.path(`out-${i}`) }),
      );
    }
  });

  it('runs every example of client/ that a chain and a service are needed for', async (t) => {
    const blocks = { from: 0, to: 3 };
    const terms = { blocks, price: 1_300n, fee: 100n, bond: 1_300n, stake: 1n, window: 32, duration: 3_602 };
    const { id: agreement } = await owner.offer('weather', terms);
    const consumer = await Consumer.open({ stack: stack.stack, home: stack.consumerHome, password });
    await consumer.accept(agreement, { despite: (await consumer.look(agreement)).odd.map(({ code }) => code) });
    const { given, close } = await givenOnStack(stack, owner, agreement);
    try {
      const all = await readExamples(join(ROOT, 'client'));
      const examples = all.filter((example) => namesUsed(example, ON_STACK).length > 0);
      assert.ok(examples.length >= 45, `${examples.length} examples`);
      for (const [i, example] of examples.entries()) {
        await t.test(example.where, async () => {
          const folder = stack.path(`client-${i}`);
          await mkdir(folder);
          await runDocExample(`${folder}.ts`, example, { ...given, folder });
        });
      }
    } finally {
      close();
    }
  });
});
