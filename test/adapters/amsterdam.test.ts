import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { CREATE2_PROXY, deployProxy } from '../../adapters/ethereum/deploy-proxy.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { createJsonRpc, type JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { fromHex } from '../../core/bytes.ts';
import type { PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { fundedAccounts, GAS_CHAIN_ID } from '../../dev/contracts/gas-chain.ts';
import { startAmsterdamNode } from './amsterdam-node.ts';
import { DeviceLog } from './device-log.ts';
import { openMarket, randomEncryptionKey, randomKey } from './ocasc-fixture.ts';

/** The code that the proxy has on every chain. */
const PROXY_CODE =
  '0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3';
const chainId = GAS_CHAIN_ID;

describe('our adapters on a chain by Amsterdam’s rules', () => {
  let rpcUrl: string;
  let rpc: JsonRpc;
  let stop = () => {};
  const [owner, relayer, consumer] = fundedAccounts().map(
    ({ privateKey }) => fromHex(privateKey, 'key', 32) as PrivateKey,
  ) as [PrivateKey, PrivateKey, PrivateKey];
  before(async () => {
    ({ rpcUrl, stop } = await startAmsterdamNode());
    rpc = createJsonRpc({ rpcUrl, chainId });
  });
  after(() => stop());

  test('the deployment proxy does not fit its transaction there: said before anything is paid', async () => {
    const account = accountOfKey(relayer);
    const before = await rpc.call('eth_getBalance', [account, 'latest']);
    await assert.rejects(deployProxy({ rpcUrl, chainId, signer: createKeySigner(relayer) }), {
      name: 'ChainAnswerError',
      message: /carries 100000 gas, but on chain 31337 it needs \d{6}\. Nothing was paid\..*EIP-7997/,
    });
    assert.equal(await rpc.call('eth_getBalance', [account, 'latest']), before);
  });

  test('where the chain brings the proxy: contracts, charters, records, an offer and its acceptance', async () => {
    await rpc.call('hardhat_setCode', [CREATE2_PROXY, PROXY_CODE]);
    const market = await openMarket({ rpcUrl, chainId, newKey: async () => owner, minWindowSeconds: 60 });
    const { dissc, terms, named, ledger } = market;
    const chain = { rpcUrl, chainId, dissc };
    const heads = createDisscLedger(chain);
    assert.equal((await heads.readHeads([market.dataset], 'latest')).heads[0]?.size, 11);

    // Forty devices at once: as many as a transaction takes, by the chain's own estimate.
    const logs = Array.from({ length: 40 }, () => new DeviceLog({ chainId, dissc }, owner));
    for (const log of logs) log.seal([1, 2, 3]);
    const call = { charters: logs.map(({ charter }) => charter), updates: logs.map((log) => log.update()) };
    const recorder = createDisscRecorder({ ...chain, signer: createKeySigner(relayer) });
    const { accepted, gas } = await recorder.simulate(call);
    assert.ok(accepted.every((one) => one) && gas > 40n * 150_000n, `${gas}`);
    const transaction = await recorder.prepare(call, { nonce: (await recorder.nonces()).latest, gas });
    await recorder.broadcast(transaction);
    assert.equal((await recorder.receipt(transaction.hash))?.ok, true);
    const recorded = await heads.readHeads(
      logs.map(({ dataset }) => dataset),
      'latest',
    );
    assert.ok(recorded.heads.every(({ size }) => size === 3));

    // A transfer of the coin is an event there (EIP-7708): ours is found beside it.
    const { id, transaction: offered } = await market.owner.offer(
      named,
      terms,
      market.owner.account,
      randomEncryptionKey(),
    );
    assert.equal((await ledger.findOffers({}, 0, offered.blockNumber)).at(-1)?.id, id);
    const buyer = market.party(consumer);
    await buyer.accept({ id, ...terms }, accountOfKey(randomKey()), randomEncryptionKey());
    assert.equal((await ledger.readAgreement(id, 'latest')).agreement?.state, 'active');
  });
});
