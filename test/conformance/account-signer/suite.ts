import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { recoverAddress, Signature } from 'ethers';
import type { AccountSigner } from '../../../adapters/ethereum/account-signer.ts';
import { createJsonRpc } from '../../../adapters/ethereum/json-rpc.ts';
import { readFees } from '../../../adapters/ethereum/read-fees.ts';
import { sendRawTransaction } from '../../../adapters/ethereum/send-raw-transaction.ts';
import { signTransaction } from '../../../adapters/ethereum/sign-transaction.ts';
import { waitForReceipt } from '../../../adapters/ethereum/wait-for-receipt.ts';
import { concatBytes, to0x, u8 } from '../../../core/bytes.ts';
import { recoverSigner } from '../../../core/typed-data.ts';
import { fund } from '../../../local/stack/fund.ts';
import type { RunningAnvil } from '../../../local/stack/start-anvil.ts';

const HALF_N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n / 2n;

/** What every signer of an account must do; `chain` mines at once. */
export function accountSignerConformance(
  name: string,
  signer: () => AccountSigner,
  chain: () => Pick<RunningAnvil, 'rpcUrl' | 'chainId'>,
): void {
  describe(`account signer: ${name}`, () => {
    it('names its account as the other parts write accounts', () => {
      assert.match(signer().account, /^0x[0-9a-f]{40}$/);
    });

    it('signs so that every hash recovers to the account, with the one form of signature that contracts take', async () => {
      const { account } = signer();
      // Of 64, about 32 would have a high s.
      const hashes = Array.from({ length: 64 }, () => new Uint8Array(randomBytes(32)));
      const signed = await Promise.all(hashes.map((hash) => signer().signHash(hash)));
      const parities = new Set<number>();
      for (const [i, { r, s, yParity }] of signed.entries()) {
        const hash = hashes[i] as Uint8Array;
        assert.deepEqual([r.length, s.length], [32, 32]);
        assert.ok(BigInt(to0x(s)) <= HALF_N);
        assert.equal(recoverSigner(hash, concatBytes(r, s, u8(27 + yParity)), 'test'), account);
        const elsewhere = recoverAddress(to0x(hash), Signature.from({ r: to0x(r), s: to0x(s), yParity }));
        assert.equal(elsewhere.toLowerCase(), account);
        parities.add(yParity);
      }
      assert.equal(parities.size, 2);
    });

    it('signs the hash itself, whatever it looks like', async () => {
      const edges = [
        new Uint8Array(32),
        new Uint8Array(32).fill(0xff),
        new Uint8Array(createHash('sha256').update('').digest()),
      ];
      for (const hash of edges) {
        const { r, s, yParity } = await signer().signHash(hash);
        assert.equal(recoverSigner(hash, concatBytes(r, s, u8(27 + yParity)), 'test'), signer().account);
      }
    });

    it('pays for a transaction that a node takes and mines', async () => {
      const rpc = createJsonRpc(chain());
      const { account } = signer();
      await fund(rpc, account, 10n ** 18n);
      const fees = await readFees(rpc, undefined);
      const nonce = Number(await rpc.call('eth_getTransactionCount', [account, 'latest']));
      const call = { chainId: chain().chainId, to: account, data: '0x', nonce, gas: 21_000n, fees };
      const transaction = await signTransaction(signer(), call);
      await sendRawTransaction(rpc, transaction);
      assert.equal((await waitForReceipt(rpc, transaction.hash, 20_000)).ok, true);
      assert.equal(Number(await rpc.call('eth_getTransactionCount', [account, 'latest'])), nonce + 1);
    });
  });
}
