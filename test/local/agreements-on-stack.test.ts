import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Contract, JsonRpcProvider, Wallet } from 'ethers';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { ocascAbi } from '../../adapters/ethereum/abi/ocasc.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createStorageServiceClient } from '../../client/service/storage-service-client.ts';
import { deriveEncryptionKeys, openMessage, sealMessage } from '../../core/agreement/seal-message.ts';
import { agreementId, type Terms } from '../../core/agreement/terms.ts';
import { signVoucher } from '../../core/agreement/voucher.ts';
import { to0x, utf8 } from '../../core/bytes.ts';
import { type Address, address, type PrivateKey } from '../../core/ids.ts';
import type { StackFile } from '../../core/wire/stack-file.ts';
import { admitToStack } from '../../local/admit-to-stack.ts';
import { fund, keeperOf } from '../../local/stack/fund.ts';
import { type RunningStack, startStack } from '../../local/start-stack.ts';
import { recordDataset } from '../adapters/recorded-dataset.ts';

const NOBODY = `0x${'00'.repeat(20)}` as Address;
const FINAL_WITHIN_MS = 20_000;

describe('an agreement on the local stack', () => {
  let folder: string;
  let stack: RunningStack;
  let file: StackFile;
  let provider: JsonRpcProvider;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-sale-'));
    stack = await startStack({ folder, blockTimeMs: 50 });
    file = JSON.parse(await readFile(join(folder, 'stack.json'), 'utf8')) as StackFile;
    provider = new JsonRpcProvider(file.rpcUrl, file.chainId, {
      ...{ staticNetwork: true, pollingInterval: 20, cacheTimeout: -1 },
    });
  });
  after(async () => {
    provider?.destroy();
    await stack?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const newKey = () => new Uint8Array(nodePrimitives.randomBytes(32)) as PrivateKey;
  async function wallet(): Promise<Wallet> {
    const one = new Wallet(to0x(newKey()), provider);
    await fund(createJsonRpc(keeperOf(file)), address(one.address), 10n ** 20n);
    return one;
  }
  function clientOf(key: PrivateKey) {
    const account = new Wallet(to0x(key));
    return createStorageServiceClient({
      runtime: nodeRuntime,
      ...{ apiUrl: file.apiUrl, chainId: file.chainId },
      account: { address: account.address, signMessage: (message) => account.signMessage(message) },
    });
  }

  test('from the offer on the chain to a voucher kept, keys received and the voucher claimed', async () => {
    const { chainId } = file;
    const ocasc = address(file.contracts.OCASC as string);
    const domain = { chainId, ocasc };
    const [owner, consumer] = [await wallet(), await wallet()];
    await admitToStack(file, address(owner.address), 2 ** 30);
    const { dataset, charter, root } = await recordDataset(owner, { chainId, dissc: address(file.contracts.DISSC) });
    const terms: Terms = {
      ...{ dataset, first: 0, count: 3, token: NOBODY, price: 1000n, fee: 10n, bond: 500n, stakeWei: 3n },
      ...{ maxChallenges: 2, maxDemands: 1, samples: 1, previews: 1, windowSeconds: 60, durationSeconds: 3600 },
      ...{ acceptBySeconds: 2n ** 64n - 1n, consumer: NOBODY },
    };
    const [agentKey, signerKey] = [newKey(), newKey()];
    const [agent, signer] = [address(new Wallet(to0x(agentKey)).address), address(new Wallet(to0x(signerKey)).address)];
    const keys = await deriveEncryptionKeys(nodePrimitives.randomBytes(32));
    const contract = new Contract(ocasc, ocascAbi);
    const send = async (who: Wallet, name: string, values: unknown[], value: bigint) => {
      const call = (contract.connect(who) as Contract).getFunction(name);
      await (await call(...values, { value })).wait();
    };
    const { name, kind } = charter;
    await send(owner, 'offer', [name, kind, Object.values(terms), agent, keys.publicKey], terms.bond);
    const offer = { owner: address(owner.address), nonce: 0n, terms, root, size: 3, agent };
    const id = agreementId(domain, { ...offer, encryptionKey: keys.publicKey });
    await send(consumer, 'accept', [id, signer, keys.publicKey], terms.price);
    const ledger = createOcascLedger({ rpcUrl: file.rpcUrl, ...domain });
    const deadline = AbortSignal.timeout(FINAL_WITHIN_MS);
    while ((await ledger.readAgreement(id, 'final', deadline)).agreement?.buyer == null) await sleep(50);

    const voucher = { agreement: id, due: 340n };
    const signature = signVoucher(domain, voucher, signerKey);
    const { storeVoucher, listMessages } = clientOf(signerKey);
    assert.equal(await storeVoucher(voucher, signature), 340n);
    const header = { agreement: id, from: agent, to: signer, sequence: 0 };
    const message = await sealMessage(domain, header, keys.publicKey, agentKey, utf8('keys of one block'));
    await clientOf(agentKey).postMessage(message);
    const { messages } = await listMessages(id, { from: agent });
    assert.deepEqual(messages, [message]);
    const [received] = messages as [typeof message];
    assert.deepEqual(await openMessage(domain, received, keys.privateKey), utf8('keys of one block'));

    await send(owner, 'claim', [id, voucher.due, to0x(signature)], 0n);
    assert.equal((await ledger.readAgreement(id, 'latest')).agreement?.due, 340n);
  });
});
