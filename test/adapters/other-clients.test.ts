import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createJsonRpc, type JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { createOcascParty } from '../../adapters/ethereum/ocasc-party.ts';
import { raisedFee, readFees } from '../../adapters/ethereum/read-fees.ts';
import { RpcRefusedError } from '../../adapters/ethereum/read-rpc-answer.ts';
import { sendRawTransaction } from '../../adapters/ethereum/send-raw-transaction.ts';
import { signTransaction } from '../../adapters/ethereum/sign-transaction.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { LedgerUnavailableError, NotRecordedError, StateError } from '../../core/errors.ts';
import type { AgreementId, PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { CLIENTS } from './clients.ts';
import { type ForeignNode, startForeignNode } from './foreign-node.ts';
import { type Market, randomEncryptionKey, randomKey, startMarket } from './ocasc-fixture.ts';

describe('a node that lies about what gas costs', () => {
  const block = { number: '0x5', hash: `0x${'ab'.repeat(32)}`, timestamp: '0x65' };
  const nodeSaying = (baseFeePerGas: string | null, others: Readonly<Record<string, unknown>>): JsonRpc => {
    const call = async (method: string) => {
      if (method === 'eth_getBlockByNumber') return { ...block, baseFeePerGas };
      if (method in others) return others[method];
      throw new RpcRefusedError(method, -32_601, 'no such method', null);
    };
    return {
      host: 'node.example',
      finalDepth: null,
      clock: nodeRuntime,
      call,
      callMany: () => assert.fail('not asked'),
    };
  };
  const huge = `0x${(10n ** 18n).toString(16)}`;

  test('gets no more than 1,000 gwei above the base fee out of an account, however it says it', async () => {
    for (const others of [
      { eth_maxPriorityFeePerGas: huge },
      { eth_feeHistory: { reward: [[huge], [huge]] } },
      { eth_gasPrice: huge },
    ]) {
      const { maxPriorityFeePerGasWei, maxFeePerGasWei } = await readFees(nodeSaying('0x7', others), undefined);
      assert.deepEqual([maxPriorityFeePerGasWei, maxFeePerGasWei], [10n ** 12n, 14n + 10n ** 12n]);
    }
    const stuck = { maxFeePerGasWei: 10n ** 13n, maxPriorityFeePerGasWei: 10n ** 12n };
    const { maxPriorityFeePerGasWei } = await readFees(nodeSaying('0x7', { eth_maxPriorityFeePerGas: huge }), stuck);
    assert.equal(maxPriorityFeePerGasWei, raisedFee(10n ** 12n), 'what is stuck is replaced all the same');
  });

  test('is not believed where it says that there is no base fee', async () => {
    await assert.rejects(readFees(nodeSaying(null, { eth_gasPrice: huge }), undefined), (error: unknown) => {
      assert.ok(error instanceof LedgerUnavailableError);
      assert.match(error.message, /node\.example asks for a gas price of 1000000000000000000 wei/);
      return true;
    });
    const { isLegacy, maxFeePerGasWei } = await readFees(nodeSaying(null, { eth_gasPrice: '0x9502f9000' }), undefined);
    assert.deepEqual([isLegacy, maxFeePerGasWei], [true, 40_000_000_000n]);
  });

  test('and its absurd numbers, hashes and times are refused, not counted with', async () => {
    const lies = [
      { number: `0x${'f'.repeat(14)}` },
      { number: '0x-1' },
      { number: 5 },
      { timestamp: `0x${'f'.repeat(64)}` },
      { hash: '0xab' },
      { baseFeePerGas: `0x${'f'.repeat(65)}` },
      { baseFeePerGas: -1 },
    ];
    for (const lie of lies) {
      const rpc = { ...nodeSaying('0x7', {}), call: async () => ({ ...block, ...lie }) };
      await assert.rejects(readFees(rpc, undefined), LedgerUnavailableError, JSON.stringify(lie));
    }
  });
});

/** What an account without anything can be made to pay for. */
const GAS = 21_000n;

for (const [client, dialect] of Object.entries(CLIENTS)) {
  describe(`a node of ${client}`, () => {
    let market: Market;
    let node: ForeignNode;
    before(async () => {
      market = await startMarket();
      node = await startForeignNode(market.chain.rpcUrl, dialect);
    });
    after(async () => {
      await node?.stop();
      await market?.stop();
    });

    const chainThere = () => ({ ...market.chain, rpcUrl: node.rpcUrl, ocasc: market.ocasc });
    const partyThere = (key: PrivateKey) => createOcascParty({ ...chainThere(), signer: createKeySigner(key) });
    const offer = (key: PrivateKey) => {
      const party = partyThere(key);
      return party.offer(market.named, market.terms, party.account, randomEncryptionKey());
    };
    const signed = async (key: PrivateKey, nonce: number, timesFee = 1n) => {
      const fees = await readFees(market.rpc, undefined);
      const raised = {
        maxFeePerGasWei: timesFee * fees.maxFeePerGasWei,
        maxPriorityFeePerGasWei: timesFee * fees.maxPriorityFeePerGasWei,
      };
      const { chainId } = market.chain;
      const to = accountOfKey(key);
      return signTransaction(createKeySigner(key), { chainId, to, data: '0x', nonce, gas: GAS, fees: raised });
    };
    const refusalOf = async (sending: Promise<unknown>): Promise<unknown> => {
      const error = await sending.then(
        () => assert.fail('it was taken'),
        (cause: unknown) => cause,
      );
      assert.ok(error instanceof NotRecordedError, String(error));
      return error.details.refusal;
    };

    test('takes a transaction, whose receipt says what it cost', async () => {
      const { id, transaction } = await offer(market.ownerKey);
      const paid = await market.rpc.call('eth_getTransactionReceipt', [transaction.txHash]);
      const { gasUsed, effectiveGasPrice } = paid as { gasUsed: string; effectiveGasPrice: string };
      assert.equal(transaction.feeWei, BigInt(gasUsed) * BigInt(effectiveGasPrice));
      const { agreement } = await createOcascLedger(chainThere()).readAgreement(id, 'latest');
      assert.equal(agreement?.state, 'offered');
    });

    test('says by its state that a contract refuses, by the contract’s name for it', async () => {
      const { id } = await offer(market.ownerKey);
      const owner = partyThere(market.ownerKey);
      await owner.cancel(id);
      await assert.rejects(owner.cancel(id), (error: unknown) => {
        assert.ok(error instanceof StateError, String(error));
        assert.equal(error.details.reason, 'OCASC_WrongState');
        return true;
      });
    });

    test('an account with nothing has too little, before anything is sent and when it is', async () => {
      const poor = randomKey();
      const party = partyThere(poor);
      const { id } = await offer(market.ownerKey);
      const accepting = party.accept({ id, ...market.terms }, party.account, randomEncryptionKey());
      assert.equal(await refusalOf(accepting), 'insufficient-funds');
      const rpc = createJsonRpc(chainThere());
      assert.equal(await refusalOf(sendRawTransaction(rpc, await signed(poor, 0))), 'insufficient-funds');
    });

    test('a number that is used is told from a fee that is too low, and from what the node has already', async () => {
      const rpc = createJsonRpc(chainThere());
      const key = await market.newKey();
      await sendRawTransaction(rpc, await signed(key, 0));
      assert.equal(await refusalOf(sendRawTransaction(rpc, await signed(key, 0, 3n))), 'nonce-too-low');
      await market.rpc.call('evm_setAutomine', [false]);
      try {
        const waiting = await signed(key, 1, 4n);
        await sendRawTransaction(rpc, waiting);
        await sendRawTransaction(rpc, waiting);
        const refusal = await refusalOf(sendRawTransaction(rpc, await signed(key, 1, 2n)));
        // Where there is no pending block nothing tells that number 1 is taken.
        assert.equal(refusal, dialect.unknownTags?.includes('pending') ? 'other' : 'underpriced');
      } finally {
        await market.rpc.call('evm_setAutomine', [true]);
        await market.mine();
      }
    });

    test('a grant or an agreement that nobody has is the caller’s mistake', async () => {
      const nobody = `0x${'77'.repeat(32)}` as AgreementId;
      await assert.rejects(partyThere(market.ownerKey).cancel(nobody), { name: 'ArgumentError' });
    });
  });
}
