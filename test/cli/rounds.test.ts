import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { address } from '../../core/ids.ts';
import { openMemory } from '../../library/open-rounds.ts';
import { quickenKeystore } from './quicken-keystore.ts';
import { runPlumb, type StackUnderTest, spawnPlumb, startStackUnderTest } from './run-plumb.ts';

let folder: string;
let stack: StackUnderTest;
let env: Record<string, string>;
let owner: string;
const passwordArgs = () => ['--password-file', join(folder, 'password')];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-rounds-'));
  stack = await startStackUnderTest(join(folder, 'stack'));
  env = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: join(folder, 'owner') };
  await writeFile(join(folder, 'password'), 'correct horse battery\n', { mode: 0o600 });
  const [{ account }] = await lines(['owner', 'init', ...passwordArgs(), '--mnemonic-out', join(folder, 'mnemonic')]);
  await quickenKeystore(join(folder, 'owner'), 'correct horse battery');
  await lines(['local', 'admit', account]);
  owner = account;
});

after(async () => {
  await stack?.end('SIGINT');
  await rm(folder, { recursive: true, force: true });
});

async function plumb(args: readonly string[], input = '') {
  const ended = await runPlumb([...args, '--json'], env, input);
  const answers = ended.stdout
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return { ...ended, answers };
}
async function lines(args: readonly string[], input = '') {
  const ended = await plumb(args, input);
  assert.equal(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  return ended.answers;
}

/** Transactions that the stack's operator has sent, or another. */
async function sentBy(account: string | null = null): Promise<number> {
  const { rpcUrl, chainId, operator } = JSON.parse(await readFile(stack.stackFile, 'utf8'));
  return Number(
    await createJsonRpc({ rpcUrl, chainId }).call('eth_getTransactionCount', [account ?? operator, 'latest']),
  );
}

/** Until all transactions that the chain has now are final. The blocks that make them so hold nothing and may stay open. */
async function untilFinal(): Promise<void> {
  const { rpcUrl, chainId } = JSON.parse(await readFile(stack.stackFile, 'utf8'));
  const rpc = createJsonRpc({ rpcUrl, chainId });
  const blockAt = async (at: string) => {
    const block = (await rpc.call('eth_getBlockByNumber', [at, false])) as { number: string; transactions: string[] };
    return { number: Number(block.number), holds: block.transactions.length > 0 };
  };
  let newest = await blockAt('latest');
  while (newest.number > 0 && !newest.holds) newest = await blockAt(`0x${(newest.number - 1).toString(16)}`);
  while ((await blockAt('finalized')).number < newest.number) await delay(20);
}

test('datasets that stand in rounds are captured, checked, verified and brought back, and DISSC has nothing of them', async () => {
  const names = ['pump-1', 'pump-2'];
  for (const name of names) {
    const [created] = await lines(['dataset', 'create', name, '--anchor', 'round', ...passwordArgs()]);
    assert.match(created.anchorer, /^0x[0-9a-f]{40}$/);
    await lines(['device', 'provision', name, '--out', join(folder, `${name}.json`), ...passwordArgs()]);
  }
  const before = await sentBy();
  for (const name of names) {
    const events = await capture(name, 0, 20);
    const anchored = events.find(({ event }) => event === 'anchored');
    assert.equal(anchored?.blocks, 20);
    assert.ok(events.some(({ event, blocks }) => event === 'checked' && blocks === 20));
    assert.equal(
      events.some(({ event }) => event === 'recorded' || event === 'final'),
      false,
    );
  }
  assert.equal((await sentBy()) - before, 2, 'a round for each, as one came after the other');
  for (const [i, name] of names.entries()) {
    const report = (await lines(['owner', 'verify', name, ...passwordArgs()])).at(-1);
    assert.deepEqual([report.recordedSize, report.round.size, report.counts.intact], [0, 20, 20]);
    assert.equal(report.round.round.number, 2, `round ${i + 1} is in the newest`);
    assert.deepEqual([report.growth.seen, report.growth.faults, report.round.isOwnWord], [null, [], true]);
    const out = join(folder, `out-${name}`);
    await lines(['owner', 'get', name, '--out', out, ...passwordArgs()]);
    assert.match(await readFile(join(out, 'lines'), 'utf8'), new RegExp(`^${name} 0\n`));
  }
  const [listed] = (await lines(['dataset', 'list', ...passwordArgs()])).filter(({ name }) => name === 'pump-1');
  assert.deepEqual([listed.recorded, listed.anchored, listed.stored, listed.round.number], [0, 20, 20, 2]);
  assert.deepEqual([listed.said, listed.late, listed.faults], [null, null, []]);
  const shown = (await runPlumb(['owner', 'verify', 'pump-1', ...passwordArgs()], env)).stdout;
  assert.match(
    shown,
    /\n {2}anchored {6}20 blocks, in round 2 of 0x[0-9a-f]{40}, chain block \d+\n {2}own word {6}one operator's own word:/,
  );
  assert.match(shown, /\n {2}growth {8}seen before: 20 blocks, in round 2, chain block \d+\n/);
  const [status] = await lines(['fleet', 'status', '--prefix', 'pump-2', ...passwordArgs()]);
  assert.deepEqual([status.recorded, status.anchored, status.stored, status.lagBlocks], [0, 20, 20, 0]);
});

const offerOf = (name: string) => [
  ...['owner', 'offer', name, '--blocks', '0-19', '--price', '3100wei', '--fee', '100wei', '--bond', '5000wei'],
  ...['--stake', '1gwei', '--window', '20s', '--duration', '1h'],
];

const capture = async (name: string, from: number, count: number) => {
  const args = ['device', 'run', '--provision', join(folder, `${name}.json`), '--source', 'stdin', '--until-idle'];
  return lines(args, Array.from({ length: count }, (_, i) => `${name} ${from + i}\n`).join(''));
};

test('what stands in rounds is recorded on DISSC when its owner asks: once, cost first, and both go on together', async () => {
  const record = ['dataset', 'record', 'pump-1', ...passwordArgs()];
  const [planned] = await lines([...record, '--dry-run']);
  assert.deepEqual([planned.from, planned.to, planned.charters, planned.transaction], [0, 20, 1, null]);
  assert.ok(planned.estimatedGas > 50_000 && BigInt(planned.maxCostWei) > 0n);
  const shown = await runPlumb(record, env);
  assert.equal(shown.exitCode, 0, shown.stderr);
  assert.match(
    shown.stderr,
    /^DISSC lacks its charter and blocks 0 to 19 of pump-1\. Recording this takes [\d,]+ gas, at most [\d.]+ ether\.\n/,
  );
  assert.match(
    shown.stdout,
    /^Recorded: DISSC has 20 blocks of pump-1\.\n {2}transaction {3}0x[0-9a-f]{64}, in chain block/,
  );
  const [again] = await lines(record);
  assert.deepEqual([again.from, again.to, again.charters, again.transaction], [20, 20, 0, null]);

  // The device goes on in rounds; DISSC keeps what it has.
  const events = await capture('pump-1', 20, 7);
  assert.equal(events.find(({ event }) => event === 'anchored')?.blocks, 27);
  const report = (await lines(['owner', 'verify', 'pump-1', ...passwordArgs()])).at(-1);
  assert.deepEqual([report.recordedSize, report.round.size, report.counts.intact], [20, 27, 27]);
  // What was seen in the first round is in the third, and in what DISSC has.
  const { seen, faults, unknown } = report.growth;
  assert.deepEqual([seen.size, seen.round, faults, unknown], [20, 2, [], []]);
  const [more] = await lines(record);
  assert.deepEqual([more.from, more.to, more.charters], [20, 27, 0]);
  assert.match(more.transaction, /^0x[0-9a-f]{64}$/);
});

test('a log that is shorter than this home has seen is neither recorded nor offered, until the owner says to forget', async () => {
  const { chainId, contracts } = JSON.parse(await readFile(stack.stackFile, 'utf8'));
  const memory = openMemory(join(folder, 'owner'), { chainId, dissc: contracts.DISSC });
  const [{ dataset }] = (await lines(['dataset', 'list', ...passwordArgs()])).filter(({ name }) => name === 'pump-2');
  const seen = memory.readHeads(dataset);
  assert.ok(seen?.round != null);
  const { shown } = seen.round;
  const later = { ...shown, number: shown.number + 9, head: { ...shown.head, size: 45 } };
  memory.keepHeads([[dataset, { ...seen, round: { ...seen.round, shown: later } }]]);
  const before = await sentBy(owner);
  for (const args of [
    ['dataset', 'record', 'pump-2'],
    ['dataset', 'record', 'pump-2', '--dry-run'],
    offerOf('pump-2'),
  ]) {
    const refused = await plumb([...args, ...passwordArgs()]);
    assert.equal(refused.exitCode, 6, `${refused.stdout}${refused.stderr}`);
    assert.match(
      refused.answers.at(-1).error.message,
      /^Nothing was sent\. .*went back\. It now has 20 blocks; this home has seen 45/,
    );
  }
  assert.equal(await sentBy(owner), before);
  await lines(['owner', 'contradictions', 'pump-2', '--forget']);
  assert.equal((await lines(['dataset', 'record', 'pump-2', '--dry-run', ...passwordArgs()])).at(-1).to, 20);
});

test('an offer of blocks that stand in rounds alone records them first, and says so before money moves', async () => {
  const offer = [...offerOf('pump-2'), ...passwordArgs()];
  const beyond = await plumb(offer.with(4, '0-20'));
  assert.equal(beyond.exitCode, 5, beyond.stdout);
  assert.match(beyond.answers.at(-1).error.message, /Blocks 0 to 20 are not all recorded/);
  const made = await runPlumb(offer, env);
  assert.equal(made.exitCode, 0, made.stderr);
  assert.match(
    made.stderr,
    /^An agreement rests on DISSC alone\. DISSC lacks its charter and blocks 0 to 19 of pump-2\..*Recording it first\.\nRecorded: DISSC has 20 blocks/m,
  );
  assert.match(made.stdout, /^Offered: 0x/);
  await untilFinal();
  const report = (await lines(['owner', 'verify', 'pump-2', ...passwordArgs()])).at(-1);
  assert.deepEqual([report.recordedSize, report.round.size, report.counts.intact], [20, 20, 20]);
  const again = (await lines([...offer, '--again'])).at(-1);
  assert.equal(again.recording, null, 'it is there already');
});

test('datasets whose charters name another anchorer are chartered to this service, however often that is killed, and their devices go on', async (context) => {
  const content = JSON.parse(await readFile(stack.stackFile, 'utf8'));
  const { chainId, contracts, operator } = content;
  const other = `0x${'a4'.repeat(20)}`;
  const otherFile = join(folder, 'other.json');
  await writeFile(otherFile, JSON.stringify({ ...content, operator: other }), { mode: 0o600 });
  const out = ['--out', join(folder, 'valves')];
  await lines([
    ...['fleet', 'provision', '--count', '40', '--prefix', 'valve', ...out, '--stack', otherFile, ...passwordArgs()],
  ]);
  const runValve = (number: number): string[] => {
    const file = join(folder, 'valves', `valve-0000${number}.json`);
    return ['device', 'run', '--provision', file, '--source', 'stdin', '--poll', '1s', '--until-idle', '--json'];
  };
  // One waits while its owner does what it takes.
  const child = spawnPlumb(runValve(1), env);
  const events: { event: string; anchorer?: string; blocks?: number }[] = [];
  const isStored = Promise.withResolvers<void>();
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const whole = `${rest}${text}`.split('\n');
    rest = whole.pop() ?? '';
    events.push(...whole.filter(Boolean).map((line) => JSON.parse(line)));
    if (events.some(({ event }) => event === 'stored')) isStored.resolve();
  });
  const ended = once(child, 'close');
  ended.then(() => isStored.reject(new Error('the device ended')));
  child.stdin?.end('one\ntwo\n');
  await isStored.promise;

  const listed = async () =>
    (await lines(['fleet', 'status', '--prefix', 'valve', ...passwordArgs()])).filter(
      ({ anchorer }) => anchorer !== operator,
    ).length;
  assert.equal(await listed(), 40);
  const status = await runPlumb(['dataset', 'list', ...passwordArgs()], env);
  assert.match(
    status.stdout,
    /valve-00040.* its charter names the anchorer 0xa4a4.*: plumb dataset anchor --elsewhere/,
  );
  const doctor = await runPlumb(['doctor'], env);
  assert.match(
    doctor.stdout,
    /warn {2}datasets {4}The charters of 40 of these \d+ .*another anchorer.*\n.*plumb dataset anchor --elsewhere/,
  );

  const anchor = ['dataset', 'anchor', ...passwordArgs()];
  const refused = await plumb(anchor);
  assert.deepEqual([refused.exitCode, refused.answers[0].error.message.slice(0, 15)], [2, 'Which datasets?']);
  assert.equal((await plumb([...anchor, '--match', 'valve-?'])).exitCode, 2, 'none has such a name');
  const all = [...anchor, '--elsewhere', '--match', 'valve-*', '--kind', 'encrypted'];
  const before = await sentBy(owner);
  const [planned] = await lines([...all, '--dry-run']);
  assert.deepEqual(
    [planned.datasets, planned.changed, planned.plannedTransactions, planned.transactions],
    [40, 40, 1, []],
  );
  assert.equal(await sentBy(owner), before);
  context.diagnostic(`${planned.estimatedGas / 40} gas a dataset, its first charter along`);

  // Killed when its transaction is on its way, and when it is mined.
  const isSent = async () => (await readdir(join(folder, 'owner', 'sent')).catch(() => [])).length > 0;
  const isMined = async () => (await sentBy(owner)) > before;
  for (const reached of [isSent, isMined]) {
    const killed = spawnPlumb(all, env);
    const gone = once(killed, 'exit');
    while (!(await reached()) && killed.exitCode === null) await delay(2);
    killed.kill('SIGKILL');
    await gone;
  }
  const shown = await runPlumb(all, env);
  assert.equal(shown.exitCode, 0, shown.stderr);
  await untilFinal();
  assert.equal(await listed(), 0);
  const [again] = await lines([...anchor, '--match', 'valve-*']);
  assert.deepEqual([again.datasets, again.changed, again.transactions, again.unshown], [40, 0, [], 0]);
  const { rpcUrl } = content;
  const ledger = createDisscLedger({ rpcUrl, chainId, dissc: contracts.DISSC });
  const { point } = await ledger.readHeads([], 'latest');
  const chartered = (await ledger.findChartered({ owner: address(owner) }, 0, point.blockNumber)).filter(
    ({ charter }) => charter.anchorer === operator || charter.anchorer === other,
  );
  const ofValves = Map.groupBy(chartered, ({ dataset }) => dataset);
  const named = [...ofValves.values()].map((of) => of.map(({ charter }) => charter.anchorer));
  const valves = named.filter(([first]) => first === other);
  assert.equal(valves.length, 40);
  for (const of of valves) assert.deepEqual(of, [other, operator], 'its first charter, and one more: paid for once');

  assert.deepEqual(await ended, [0, null]);
  assert.ok(events.some(({ event, anchorer }) => event === 'anchorer' && anchorer === operator));
  assert.ok(events.some(({ event, blocks }) => event === 'anchored' && blocks === 2));
  const next = await lines(runValve(2).slice(0, -1), 'three\n');
  assert.ok(
    next.some(({ event }) => event === 'anchored'),
    'one that begins later needs no new file',
  );
  const provision = ['fleet', 'provision', '--count', '40', '--prefix', 'valve', ...out, ...passwordArgs()];
  assert.deepEqual((await lines(provision)).at(-1).written, 0, 'their files serve as they are');
  const report = (await lines(['owner', 'verify', 'valve-00001', ...passwordArgs()])).at(-1);
  assert.deepEqual([report.recordedSize, report.round.size, report.counts.intact], [0, 2, 2]);
});
