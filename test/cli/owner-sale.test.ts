import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { createOcascParty } from '../../adapters/ethereum/ocasc-party.ts';
import { signMessage } from '../../adapters/keys/mnemonic.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createStorageServiceClient } from '../../client/service/storage-service-client.ts';
import { decodeKeyPayload } from '../../core/agreement/key-payload.ts';
import { encodeKeyRequest } from '../../core/agreement/key-request.ts';
import type { SealedMessage } from '../../core/agreement/message.ts';
import { deriveEncryptionKeys, openMessage, sealMessage } from '../../core/agreement/seal-message.ts';
import { contentKeyOf } from '../../core/agreement/verify-keys.ts';
import { signVoucher } from '../../core/agreement/voucher.ts';
import { type Address, type AgreementId, address, NATIVE_COIN, type PrivateKey } from '../../core/ids.ts';
import type { Agreement } from '../../core/ports/agreements.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { stackFile } from '../../core/wire/stack-file.ts';
import { fund, keeperOf } from '../../local/stack/fund.ts';
import { CLIENTS } from '../adapters/clients.ts';
import { startForeignNode } from '../adapters/foreign-node.ts';
import { quickenKeystore } from './quicken-keystore.ts';
import { type Ended, runPlumb, type StackUnderTest, startStackUnderTest } from './run-plumb.ts';
import { startServing } from './serve-sales.ts';

const BLOCKS = 30;
const randomKey = () => new Uint8Array(randomBytes(32)) as PrivateKey;

describe('an owner who sells, on the embedded stack', { timeout: 600_000 }, () => {
  let folder: string;
  let stack: StackUnderTest;
  let chain: { rpcUrl: string; chainId: number; ocasc: Address; apiUrl: string };
  let ownerAccount: Address;
  const servers: ChildProcess[] = [];
  let blocks: NodeJS.Timeout;
  const plumb = (...args: string[]): Promise<Ended> =>
    runPlumb([...args, '--password-file', join(folder, 'password'), '--json'], {
      PLUMB_STACK: stack.stackFile,
      PLUMB_HOME: join(folder, 'owner'),
    });
  const json = (ended: Ended, exitCode = 0) => {
    assert.equal(ended.exitCode, exitCode, `${ended.stdout}${ended.stderr}`);
    return JSON.parse(ended.stdout.trim().split('\n').at(-1) as string);
  };
  const agentFile = () => join(folder, 'agent.json');
  const offer = (...more: string[]) =>
    plumb(
      ...['owner', 'offer', 'readings', '--blocks', `0-${BLOCKS - 1}`, '--price', '3100wei', '--fee', '100wei'],
      ...['--bond', '5000wei', '--stake', '1gwei', '--window', '20s', '--duration', '1h', ...more],
    );

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-owner-sale-'));
    stack = await startStackUnderTest(join(folder, 'stack'));
    const said = stackFile.parse(JSON.parse(await readFile(stack.stackFile, 'utf8')));
    chain = { ...said, ocasc: address(said.contracts.OCASC as string) };
    // Others use this chain, too: it does not stand still between what is done here.
    blocks = setInterval(
      () =>
        createJsonRpc(keeperOf(chain))
          .call('evm_mine', [])
          .catch(() => {}),
      1000,
    );
    await writeFile(join(folder, 'password'), 'correct horse battery\n', { mode: 0o600 });
    ownerAccount = json(await plumb('owner', 'init', '--mnemonic-out', join(folder, 'mnemonic'))).account;
    await quickenKeystore(join(folder, 'owner'), 'correct horse battery');
    json(await runPlumb(['local', 'admit', ownerAccount, '--json'], { PLUMB_STACK: stack.stackFile }));
    json(await plumb('dataset', 'create', 'readings'));
    const provision = join(folder, 'device.json');
    json(await plumb('device', 'provision', 'readings', '--out', provision));
    const device = ['device', 'run', '--provision', provision, '--source', 'stdin', '--every', '100ms'];
    const end = ['--batch-blocks', '8', '--poll', '100ms', '--until-idle', '--timeout', '180s', '--json'];
    const lines = Array.from({ length: BLOCKS }, (_, i) => `reading ${i} ${'x'.repeat(2000)}\n`).join('');
    const ran = await runPlumb([...device, ...end], {}, lines);
    assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);
  });
  after(async () => {
    clearInterval(blocks);
    for (const server of servers) server.kill('SIGKILL');
    await stack?.end('SIGINT');
    await rm(folder, { recursive: true, force: true });
  });

  it("writes the agent's file once, for the owner alone, without the owner's key", async () => {
    const { agent, path } = json(await plumb('owner', 'agent', '--out', agentFile()));
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    const file = JSON.parse(await readFile(path, 'utf8'));
    assert.equal(accountOfKey(Buffer.from(file.agentPrivateKey.slice(2), 'hex') as unknown as PrivateKey), agent);
    assert.notEqual(agent, ownerAccount);
    assert.deepEqual(
      file.datasets.map(({ name, keys }: { name: string; keys: { serial: number }[] }) => [name, keys.length]),
      [['readings', 1]],
    );
    const provision = JSON.parse(await readFile(join(folder, 'device.json'), 'utf8'));
    const { serial, datasetKey } = provision;
    assert.deepEqual(file.datasets[0].keys, [{ serial, datasetKey }]);
    assert.match(json(await plumb('owner', 'agent', '--out', agentFile()), 2).error.message, /exists already/);
    json(await plumb('owner', 'agent', '--out', agentFile(), '--replace'));
    assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), file);
    json(await runPlumb(['local', 'admit', agent, '--fund-only', '--json'], { PLUMB_STACK: stack.stackFile }));
  });

  it('authorises the storage, pays fuel once, and takes it back', async () => {
    const help = await runPlumb(['owner', 'authorise', '--help']);
    assert.deepEqual([help.exitCode, /--fuel <amount>.*\(default: 0wei\)/s.test(help.stdout)], [0, true], help.stderr);
    const args = [
      'owner',
      'authorise',
      'readings',
      '--per-record',
      '1000wei',
      '--fuel',
      '0.001ether',
      '--window',
      '1s',
    ];
    const granted = json(await plumb(...args));
    assert.deepEqual([granted.state, granted.fuelWei], ['accepted', '1000000000000000']);
    assert.deepEqual([granted.terms.perRecordWei, granted.terms.intervalSeconds], ['1000', 0]);
    const again = json(await plumb(...args));
    assert.deepEqual([again.id, again.tx, again.fundedWei], [granted.id, null, '0']);
    assert.equal(json(await plumb('owner', 'fund', granted.id.slice(0, 10), '500wei')).fuelWei, '1000000000000500');
    assert.equal(json(await plumb('owner', 'grants')).grants.length, 1);
    assert.equal(json(await plumb('owner', 'revoke', granted.id.slice(0, 12))).revoked, true);
    assert.equal(json(await plumb('owner', 'revoke', granted.id)).transaction, null);
    assert.match(json(await plumb('owner', 'revoke', '0x00000000'), 2).error.message, /No id of a grant begins with/);
    let back: { ended: string[]; wei: string };
    do {
      await sleep(300);
      back = json(await plumb('owner', 'reclaim'));
    } while (back.ended.length === 0);
    assert.equal(back.wei, '1000000000000500');
  });

  it('offers once, takes it back, and gets the bond', async () => {
    const made = json(await offer());
    assert.match(made.id, /^0x[0-9a-f]{64}$/);
    const same = json(await offer());
    assert.deepEqual([same.id, same.tx], [made.id, null]);
    assert.equal(json(await plumb('owner', 'offers')).offers.length, 1);
    assert.equal(json(await plumb('owner', 'cancel', made.id)).state, 'cancelled');
    assert.equal(json(await plumb('owner', 'cancel', made.id)).transaction, null);
    assert.equal(json(await plumb('owner', 'withdraw')).amount, '5000');
    assert.equal(json(await plumb('owner', 'withdraw')).amount, '0');
    assert.equal(json(await plumb('owner', 'offers')).offers.length, 0);
    assert.equal(json(await plumb('owner', 'offers', '--all')).offers[0].state, 'cancelled');
  });

  it('refuses amounts without a unit, and terms that OCASC would refuse, before it sends anything', async () => {
    const bad = ['owner', 'offer', 'readings', '--blocks', '0-1', '--bond', '1wei', '--stake', '1wei'];
    for (const [price, fee, wrong] of [
      ['10', '1wei', /10 is not an amount/],
      ['1.5wei', '1wei', /not an amount/],
      ['1e3wei', '1wei', /not an amount/],
    ] as const) {
      const ended = await plumb(...bad, '--price', price, '--fee', fee);
      assert.equal(ended.exitCode, 2);
      assert.match(ended.stderr, wrong);
    }
    const fees = json(await plumb(...bad, '--price', '10wei', '--fee', '2wei'), 2);
    assert.match(fees.error.message, /at most the price, 10, and the bond, 1/);
    const few = [...bad, '--price', '10wei', '--fee', '1wei'];
    const short = json(await plumb(...few, '--window', '1h', '--duration', '1h'), 2);
    assert.match(short.error.message, /longer than --window/);
    const previews = json(await plumb(...few, '--samples', '1', '--previews', '2'), 2);
    assert.match(previews.error.message, /at most 1 of the 1 samples/);
    await refusesLegacyStake(few);
    const range = json(await plumb(...few, '--blocks', '0-30'), 5);
    assert.match(range.error.message, /has 30/);
  });

  /** Where no base fee is, OCASC asks for no more than the terms' stake: one that does not pay for an answer is refused. */
  async function refusesLegacyStake(few: readonly string[]): Promise<void> {
    const node = await startForeignNode(chain.rpcUrl, CLIENTS['a chain without base fee'] ?? {});
    try {
      const legacy = join(folder, 'legacy.json');
      const said = JSON.parse(await readFile(stack.stackFile, 'utf8'));
      await writeFile(legacy, JSON.stringify({ ...said, rpcUrl: node.rpcUrl }), { mode: 0o600 });
      const there = async (...args: string[]) =>
        runPlumb([...few, ...args, '--password-file', join(folder, 'password'), '--json'], {
          ...{ PLUMB_STACK: legacy, PLUMB_HOME: join(folder, 'owner') },
        });
      const { message } = json(await there(), 2).error;
      assert.match(message, /--stake is 1 wei\. This chain has no base fee, .* Give at least [1-9]\d+wei/);
      assert.equal(node.counts.get('eth_sendRawTransaction'), undefined, 'nothing is sent');
      const least = /at least (\d+wei)/.exec(message)?.[1] ?? assert.fail(message);
      const looked = json(await there('--stake', least, '--dry-run'));
      assert.equal(`${looked.terms.stakeWei}wei`, least, 'what it says is enough');
    } finally {
      await node.stop();
    }
  }

  it('describes an offer, finds it by its words and by a short id, and answers a request', async () => {
    const env = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: join(folder, 'buyer') };
    const buyer = (...args: string[]) =>
      runPlumb(['consumer', ...args, '--password-file', join(folder, 'password'), '--json'], env);
    const look = (...args: string[]) => runPlumb([...args, '--json'], env);
    const { account } = json(await buyer('init', '--mnemonic-out', join(folder, 'buyer-mnemonic')));
    await quickenKeystore(join(folder, 'buyer'), 'correct horse battery');
    const wish = await buyer('request', 'Readings, please', '--price', '3100wei', '--contact', 'b@example.org');
    const requested = json(wish).id as string;
    assert.match(json(await buyer('request', 'x\u202ey'), 2).error.message, /request is malformed at topic/);
    const asked = json(await look('owner', 'requests')).requests;
    assert.deepEqual(
      asked.map(({ id, request }: { id: string; request: { account: string } }) => [id, request.account]),
      [[requested, account]],
    );

    await writeFile(join(folder, 'about.txt'), 'Thirty readings.\r\nNothing else.\n');
    const words = ['--title', 'Readings of a test', '--licence', 'CC0-1.0', '--describe', join(folder, 'about.txt')];
    const untitled = json(await offer('--licence', 'CC0-1.0'), 2);
    assert.match(untitled.error.message, /A description needs a title/);
    const notice = await offer('--for', requested.slice(0, 12), ...words);
    const made = json(notice);
    assert.deepEqual([made.described, made.terms.consumer], [true, account]);
    const { title, about, sizeBytes, contents, request } = made.description;
    assert.deepEqual([title, about, request], ['Readings of a test', 'Thirty readings.\nNothing else.', requested]);
    assert.ok(sizeBytes > BLOCKS * 2000 && Array.isArray(contents));
    assert.deepEqual(json(await offer('--for', requested, ...words)).id, made.id, 'once, and described once');

    const found = async (...args: string[]) =>
      json(await look('consumer', 'offers', ...args)).offers.map((one: { id: string }) => one.id);
    assert.deepEqual(await found('--search', 'TEST', 'nothing'), [made.id]);
    assert.deepEqual(await found('--search', 'weather'), []);
    assert.deepEqual(await found('--dataset', made.terms.dataset.slice(0, 11), '--search', 'test'), [made.id]);
    assert.deepEqual(await found('--for', requested.slice(0, 12)), [made.id]);
    const text = await runPlumb(['consumer', 'offers', '--search', 'readings'], env);
    assert.match(text.stdout, new RegExp(`^${made.id.slice(0, 10)}\n  described   Readings of a test, CC0-1.0`));
    assert.match(text.stdout, /answers {5}request 0x/);

    const again = json(await plumb('owner', 'describe', made.id.slice(0, 10), '--title', 'Another', '--no-check'), 4);
    assert.equal(again.described, false);
    assert.match(json(await plumb('owner', 'cancel', '0x1234'), 2).error.message, /at least the first 8/);
    assert.equal(json(await plumb('owner', 'cancel', made.id.slice(0, 14))).state, 'cancelled');
  });

  describe('and serves', () => {
    let served: Awaited<ReturnType<typeof buy>>;

    it('answers each request once, though it is killed again and again', async () => {
      served = await buy(json(await offer('--samples', String(BLOCKS))).id);
      let asked = 0;
      for (let round = 0; round < 5; round++) {
        const server = startServer(folder);
        for (let i = 0; i < 4 && asked < BLOCKS - 10; i++) await served.ask([asked++]);
        // Killed while it is about to answer, at another moment in every round.
        await server.said('request');
        await sleep(7 * round);
        await server.kill('SIGKILL');
      }
      const server = startServer(folder);
      await server.said('ready');
      const second = await runPlumb(['owner', 'serve', '--agent', agentFile(), '--once', '--json']);
      assert.equal(second.exitCode, 6);
      assert.match(second.stdout, /Another process serves sales/);
      const every = Array.from({ length: asked }, (_, i) => i);
      const samples = await served.receive(asked);
      assert.deepEqual(samples.blocks, every);
      assert.deepEqual(samples.opened, [0], 'the preview');
      const { messages } = samples;
      assert.deepEqual(
        messages.map(({ sequence }) => sequence),
        Array.from({ length: asked }, (_, i) => i),
        'no number is left out or used twice',
      );
      await served.ask([], 1600n);
      const paid = await served.receive(asked + 14);
      assert.deepEqual(paid.opened, every.slice(0, 15), 'each content key that is paid for, once');
      await server.kill('SIGINT');
      assert.equal(server.child.exitCode, 0);
      await checkSame(messages);
    });

    /** What was read once stays as it was. */
    async function checkSame(messages: readonly SealedMessage[]): Promise<void> {
      const now = await served.receive(messages.length);
      assert.deepEqual(now.messages.slice(0, messages.length), messages);
    }

    it('answers a challenge, claims, and is paid', async () => {
      const server = startServer(folder);
      await served.party.challenge(served.id, { block: 17, seed: 99, valueWei: 10n ** 17n });
      const answered = await server.said('answered');
      assert.equal(answered.block, 17);
      await server.said('claimed');
      await served.party.quit(served.id);
      const closed = await server.said('closed');
      assert.equal(closed.agreement, served.id);
      assert.equal((await server.said('settled')).state, 'closed');
      await server.kill('SIGINT');
      const { amount } = json(await plumb('owner', 'withdraw'));
      assert.ok(BigInt(amount) > 5000n + 1600n, 'the bond, what was due, and a stake');
    });
  });

  function startServer(folder: string) {
    const server = startServing(['owner', 'serve', '--agent', join(folder, 'agent.json'), '--poll', '100ms', '--json']);
    servers.push(server.child);
    return server;
  }

  /** A consumer, in this process. */
  async function buy(id: AgreementId) {
    const account = createKeySigner(randomKey());
    await fund(createJsonRpc(keeperOf(chain)), account.account, 10n ** 20n);
    const party = createOcascParty({ ...chain, signer: account });
    const market = createOcascLedger(chain);
    const signerKey = randomKey();
    const keys = await deriveEncryptionKeys(new Uint8Array(randomBytes(32)));
    await party.accept({ id, token: NATIVE_COIN, price: 3100n }, accountOfKey(signerKey), keys.publicKey);
    let agreement: Agreement | null = null;
    while (agreement?.buyer == null) {
      await sleep(50);
      ({ agreement } = await market.readAgreement(id, 'final', AbortSignal.timeout(20_000)));
    }
    const { agent, ownerEncryptionKey } = agreement;
    const service = createStorageServiceClient({
      runtime: nodeRuntime,
      ...{ apiUrl: chain.apiUrl, chainId: chain.chainId, agreement: id },
      account: { address: accountOfKey(signerKey), signMessage: (message) => signMessage(signerKey, message) },
    });
    let sequence = 0;
    return {
      ...{ id, party },
      async ask(blocks: readonly number[], due?: bigint) {
        const signature = due === undefined ? null : signVoucher(market.domain, { agreement: id, due }, signerKey);
        const voucher = due === undefined || signature === null ? null : { due, signature };
        const header = { agreement: id, from: accountOfKey(signerKey), to: agent, sequence: sequence++ };
        const plaintext = encodeKeyRequest({ blocks, voucher });
        await service.postMessage(await sealMessage(market.domain, header, ownerEncryptionKey, signerKey, plaintext));
      },
      /** All messages of the owner, once they hold keys so many times; which blocks, and of which the content's. */
      async receive(count: number): Promise<{ messages: SealedMessage[]; blocks: number[]; opened: number[] }> {
        for (const untilMs = Date.now() + 60_000; ; await sleep(100)) {
          const messages: SealedMessage[] = [];
          for (let next: number | null = 0; next !== null; ) {
            const page: Awaited<ReturnType<typeof service.listMessages>> = await service.listMessages(id, {
              ...{ from: agent, sequence: next },
            });
            messages.push(...page.messages);
            next = page.next;
          }
          const [blocks, opened]: [number[], number[]] = [[], []];
          for (const message of messages) {
            const payload = decodeKeyPayload(await openMessage(market.domain, message, keys.privateKey));
            blocks.push(...payload.blocks.map(({ index }) => index));
            for (const { index } of payload.blocks) {
              if (contentKeyOf(nodePrimitives, payload, index) !== null) opened.push(index);
            }
          }
          const sorted = (indices: number[]) => indices.toSorted((a, b) => a - b);
          if (blocks.length >= count) return { messages, blocks: sorted(blocks), opened: sorted(opened) };
          assert.ok(Date.now() < untilMs, `only keys of ${blocks}`);
        }
      },
    };
  }
});
