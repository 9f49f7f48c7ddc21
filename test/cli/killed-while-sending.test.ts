import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createAscParty } from '../../adapters/ethereum/asc-party.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createJsonRpc, type JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { createKeystore, SCRYPT_N_RANDOM_PASSWORD } from '../../adapters/keys/keystore.ts';
import { createMnemonic, ownerKey } from '../../adapters/keys/mnemonic.ts';
import { createSecretFile } from '../../adapters/keys/secret-file.ts';
import type { Address, AgreementId } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { agentFileText } from '../../library/agent-file.ts';
import { addDatasets, entryOf } from '../../library/dataset-list.ts';
import { fund } from '../../local/stack/fund.ts';
import { startAnvil } from '../../local/stack/start-anvil.ts';
import { openMarket, randomEncryptionKey, randomKey } from '../adapters/ocasc-fixture.ts';
import { spawnPlumb } from './run-plumb.ts';

/*
 * A command is killed while no block takes what it has sent. The next one of the same account finds that in the files of the
 * first, and takes its place: owner, consumer and agent. (A device's own: test/device/record-directly.test.ts.)
 */

const PASSWORD = 'a password';
const BALANCE_WEI = 10n ** 20n;
const HOUR_MS = 3_600_000;
/** Of a command that starts on a busy machine. */
const PATIENCE_MS = 40_000;

describe('a command that was killed with a transaction under way', () => {
  let folder: string;
  let rpc: JsonRpc;
  let market: Awaited<ReturnType<typeof openMarket>>;
  const stops: (() => unknown)[] = [];
  const [ownerMnemonic, consumerMnemonic] = [createMnemonic(), createMnemonic()];
  const owner = accountOfKey(ownerKey(ownerMnemonic));
  const consumer = accountOfKey(ownerKey(consumerMnemonic));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-killed-sending-'));
    const anvil = await startAnvil({ stateFile: null, mining: 'instant' });
    stops.push(() => anvil.stop());
    const { rpcUrl, chainId } = anvil;
    rpc = createJsonRpc({ rpcUrl, chainId });
    const newKey = async () => {
      await fund(rpc, owner, BALANCE_WEI);
      return ownerKey(ownerMnemonic);
    };
    market = await openMarket({ rpcUrl, chainId, newKey, minWindowSeconds: 60 });
    await fund(rpc, consumer, BALANCE_WEI);
    await writeFile(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    for (const [name, mnemonic] of Object.entries({ owner: ownerMnemonic, consumer: consumerMnemonic })) {
      const home = join(folder, name);
      await mkdir(home, { mode: 0o700 });
      // The service is nowhere: nothing of this is its concern.
      const said = { rpcUrl, chainId, dissc: market.dissc, ocasc: market.ocasc, asc: market.asc, fromBlock: 0 };
      const connection = JSON.stringify({ ...said, apiUrl: 'http://127.0.0.1:9/' });
      await writeFile(join(home, 'connection.json'), connection, { mode: 0o600 });
      const content = { privateKey: ownerKey(mnemonic), mnemonic };
      await createKeystore(join(home, 'keystore.json'), content, PASSWORD, SCRYPT_N_RANDOM_PASSWORD);
    }
  });
  after(async () => {
    for (const stop of stops) await stop();
    await rm(folder, { recursive: true, force: true });
  });

  const nonces = async (account: Address) => {
    const of = async (tag: string) => Number(await rpc.call('eth_getTransactionCount', [account, tag]));
    return { latest: await of('latest'), pending: await of('pending') };
  };
  const offer = async (agent: Address = owner): Promise<AgreementId> => {
    const { id } = await market.owner.offer(market.named, market.terms, agent, randomEncryptionKey());
    return id;
  };
  const as = (who: 'owner' | 'consumer', ...args: string[]): ChildProcess =>
    spawnPlumb([...args, '--password-file', join(folder, 'password')], { PLUMB_HOME: join(folder, who) });

  /** Runs until the node has something of this account that no block takes, and kills it there. */
  async function killWhileSending(child: ChildProcess, account: Address): Promise<string> {
    const said: string[] = [];
    child.stderr?.setEncoding('utf8').on('data', (text: string) => void said.push(text));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => void said.push(text));
    const ended = once(child, 'close');
    stops.push(() => child.kill('SIGKILL'));
    const { latest } = await nonces(account);
    const untilMs = performance.now() + PATIENCE_MS;
    while ((await nonces(account)).pending === latest) {
      assert.ok(child.exitCode === null && performance.now() < untilMs, `It sends nothing: ${said.join('')}`);
      await delay(50);
    }
    child.kill('SIGKILL');
    await ended;
    const pool = (await rpc.call('txpool_content', [])) as {
      pending: Record<string, Record<string, { hash: string }>>;
    };
    const own = Object.entries(pool.pending).find(([address]) => address.toLowerCase() === account)?.[1] ?? {};
    const [stuck] = Object.values(own);
    assert.ok(stuck !== undefined);
    return stuck.hash;
  }
  /** As if it had been killed an hour ago. */
  async function age(place: string, stuckHash: string): Promise<void> {
    const [name, ...more] = await readdir(place);
    assert.deepEqual(more, []);
    const path = join(place, name as string);
    const kept = JSON.parse(await readFile(path, 'utf8')) as { hash: string; sentAtMs: number };
    assert.equal(kept.hash, stuckHash);
    await writeFile(path, JSON.stringify({ ...kept, sentAtMs: kept.sentAtMs - HOUR_MS }), { mode: 0o600 });
  }
  /** Mines once the command has said that it takes the place of what is stuck, until it ends. */
  async function endOf(child: ChildProcess, says: RegExp): Promise<string> {
    let said = '';
    stops.push(() => child.kill('SIGKILL'));
    const mining = Promise.withResolvers<void>();
    const hear = (text: string): void => {
      said += text;
      if (says.test(said)) mining.resolve();
    };
    child.stderr?.setEncoding('utf8').on('data', hear);
    child.stdout?.setEncoding('utf8').on('data', hear);
    const ended = once(child, 'close').then(([code]) => {
      mining.reject(new Error(`It ended with ${code} and had not said so: ${said}`));
      return code as number | null;
    });
    await mining.promise;
    let isOver = false;
    const code = ended.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await rpc.call('evm_mine', []);
      await delay(50);
    }
    assert.equal(await code, 0, said);
    return said;
  }
  async function assertReplaced(account: Address, before: number, stuckHash: string, place: string): Promise<void> {
    assert.deepEqual(await nonces(account), { latest: before + 1, pending: before + 1 });
    assert.equal(await rpc.call('eth_getTransactionByHash', [stuckHash]), null);
    assert.deepEqual(await readdir(place), []);
  }
  const manually = async <T>(work: () => Promise<T>): Promise<T> => {
    await rpc.call('evm_setAutomine', [false]);
    try {
      return await work();
    } finally {
      await rpc.call('evm_setAutomine', [true]);
    }
  };
  const TAKES = /was stuck and will not happen\. Transaction 0x[0-9a-f]{64} replaces it, with higher fees/;

  test('an owner’s: another command takes its place, says so, and the earlier one can be run again', async () => {
    const [first, second] = [await offer(), await offer()];
    const place = join(folder, 'owner', 'sent');
    const { latest } = await nonces(owner);
    await manually(async () => {
      const stuck = await killWhileSending(as('owner', 'owner', 'cancel', first), owner);
      await age(place, stuck);
      const said = await endOf(as('owner', 'owner', 'cancel', second), TAKES);
      assert.match(said, new RegExp(stuck));
      await assertReplaced(owner, latest, stuck, place);
    });
    const stateOf = async (id: AgreementId) => (await market.ledger.readAgreement(id, 'latest')).agreement?.state;
    assert.deepEqual([await stateOf(first), await stateOf(second)], ['offered', 'cancelled']);
    const [code] = await once(as('owner', 'owner', 'cancel', first), 'close');
    assert.deepEqual([code, await stateOf(first)], [0, 'cancelled']);
  });

  test('a consumer’s: the same command again takes its place, and the price is paid once', async () => {
    const id = await offer();
    const place = join(folder, 'consumer', 'sent');
    const { latest } = await nonces(consumer);
    const ocascWei = await market.balanceWei(market.ocasc);
    await manually(async () => {
      const stuck = await killWhileSending(as('consumer', 'consumer', 'accept', id, '--yes'), consumer);
      await age(place, stuck);
      await endOf(as('consumer', 'consumer', 'accept', id, '--yes'), TAKES);
      await assertReplaced(consumer, latest, stuck, place);
    });
    assert.equal(await market.balanceWei(market.ocasc), ocascWei + market.terms.price);
  });

  test('an owner’s on ASC and on DISSC: each takes the place of the other’s, and the earlier one can be run again', async () => {
    const grants = createAscParty({ ...market.chain, asc: market.asc, signer: createKeySigner(market.ownerKey) });
    const { grant } = await grants.authorise(market.named, {
      ...{ dataset: market.dataset, css: consumer, first: 0, count: 5, digests: true, blocks: true, maxBlocks: 9 },
      ...{
        perRecordWei: 0n,
        intervalSeconds: 0,
        windowSeconds: 60,
        untilSeconds: Math.floor(Date.now() / 1000) + 86_400,
      },
    });
    await addDatasets(join(folder, 'owner'), [entryOf(market.dataset, [market.log.charter], false)]);
    const place = join(folder, 'owner', 'sent');
    const revoke = () => as('owner', 'owner', 'revoke', grant);
    const replace = (name: string) =>
      as('owner', 'device', 'replace', market.dataset, '--from', '1', '--out', join(folder, name));
    const grantState = async () => (await market.grants.readGrants([grant], 'latest')).grants[0]?.state;
    for (const [first, second] of [
      [revoke, () => replace('first.json')],
      [() => replace('second.json'), revoke],
    ] as const) {
      const { latest } = await nonces(owner);
      await manually(async () => {
        const stuck = await killWhileSending(first(), owner);
        await age(place, stuck);
        assert.match(await endOf(second(), TAKES), new RegExp(stuck));
        await assertReplaced(owner, latest, stuck, place);
      });
      assert.equal(await grantState(), first === revoke ? 'proposed' : 'ended');
    }
    const [code] = await once(replace('second.json'), 'close');
    assert.equal(code, 0);
    const chartered = await createDisscLedger({ ...market.chain, dissc: market.dissc }).readDevices(
      [market.dataset],
      'latest',
    );
    const { serial } = JSON.parse(await readFile(join(folder, 'second.json'), 'utf8'));
    assert.equal(chartered.devices[0]?.serial, serial);
  });

  test('an agent’s, beside its sales: the next process of it takes its place', async () => {
    const agentKey = randomKey();
    const agent = accountOfKey(agentKey);
    await fund(rpc, agent, BALANCE_WEI);
    const id = await offer(agent);
    await market
      .party(ownerKey(consumerMnemonic))
      .accept({ id, token: market.terms.token, price: market.terms.price }, consumer, randomEncryptionKey());
    const agentFile = join(folder, 'agent.json');
    await createSecretFile(
      agentFile,
      agentFileText({
        ...{ ...market.chain, dissc: market.dissc, ocasc: market.ocasc, apiUrl: 'http://127.0.0.1:9/', fromBlock: 0 },
        ...{ owner, agentKey, offersSecret: randomKey() },
        datasets: [
          { name: 'readings', dataset: market.dataset, keys: [{ serial: 1, datasetKey: randomKey() as never }] },
        ],
      }),
    );
    // Long after its end, so that it is closed though the mailbox does not answer.
    const { agreement } = await market.ledger.readAgreement(id, 'latest');
    const lateSeconds = (agreement?.buyer?.endSeconds ?? 0) + 10 * market.terms.windowSeconds;
    await rpc.call('evm_setNextBlockTimestamp', [`0x${lateSeconds.toString(16)}`]);
    for (let blocks = 0; blocks < 4; blocks++) await rpc.call('evm_mine', []);
    const serve = () => spawnPlumb(['owner', 'serve', '--agent', agentFile, '--poll', '200ms', '--json']);
    const place = join(folder, 'sales', 'sent');
    await manually(async () => {
      const stuck = await killWhileSending(serve(), agent);
      await age(place, stuck);
      const next = serve();
      next.stdout?.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes('"event":"settled"') && text.includes(id)) next.kill('SIGINT');
      });
      const said = await endOf(next, /"event":"held-up".*"event":"replaced"/s);
      assert.match(said, new RegExp(stuck));
      await assertReplaced(agent, 0, stuck, place);
    });
    assert.equal((await market.ledger.readAgreement(id, 'latest')).agreement?.state, 'closed');
  });
});
