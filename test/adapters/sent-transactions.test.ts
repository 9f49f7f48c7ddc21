import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createOcascParty } from '../../adapters/ethereum/ocasc-party.ts';
import { createSentTransactionFiles } from '../../adapters/ethereum/sent-transaction-files.ts';
import { NotRecordedError } from '../../core/errors.ts';
import type { Address, PrivateKey } from '../../core/ids.ts';
import type { HeldUp, SentTransaction } from '../../core/ports/sent-transactions.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { type Market, randomEncryptionKey, startMarket } from './ocasc-fixture.ts';

/* What a process has sent is known to the next one: kept in private files, one a number. */

const ACCOUNT = `0x${'aa'.repeat(20)}` as Address;
const transaction = (nonce: number, hash = '11'): SentTransaction => ({
  ...{ nonce, hash: `0x${hash.repeat(32)}`, raw: '0x02ff', sentAtMs: 5 },
  ...{ maxFeePerGasWei: 2n ** 70n, maxPriorityFeePerGasWei: 3n },
});

describe('what was sent', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-sent-'));
  });

  test('is kept for others alone who may read it, the newest of each number, and forgotten from below', async (t) => {
    t.after(() => rm(folder, { recursive: true }));
    const place = join(folder, 'sent');
    const files = createSentTransactionFiles(place, 7, ACCOUNT);
    assert.deepEqual(await files.list(), []);
    await files.keep(transaction(3));
    await files.keep(transaction(3, '22'));
    await files.keep(transaction(10));
    assert.equal((await stat(place)).mode & 0o777, 0o700);
    assert.equal((await stat(join(place, `7-${ACCOUNT}-3.json`))).mode & 0o777, 0o600);
    const again = createSentTransactionFiles(place, 7, ACCOUNT);
    const kept = (await again.list()).sort((a, b) => a.nonce - b.nonce);
    assert.deepEqual(kept, [transaction(3, '22'), transaction(10)]);
    // Of another chain, and of another account.
    assert.deepEqual(await createSentTransactionFiles(place, 8, ACCOUNT).list(), []);
    await again.forgetBelow(10);
    assert.deepEqual(await again.list(), [transaction(10)]);
    await again.forget(10);
    await again.forget(10);
    assert.deepEqual(await readdir(place), []);
  });

  test('that is damaged, or open to others, is known by its number alone', async (t) => {
    t.after(() => rm(folder, { recursive: true }));
    const files = createSentTransactionFiles(folder, 7, ACCOUNT);
    for (const [nonce, text] of [
      [1, '{'],
      [2, '{}'],
      [3, ''],
    ] as const) {
      await writeFile(join(folder, `7-${ACCOUNT}-${nonce}.json`), text, { mode: 0o600 });
    }
    await files.keep(transaction(4));
    await writeFile(join(folder, `7-${ACCOUNT}-5.json`), JSON.stringify({ hash: 1 }), { mode: 0o644 });
    assert.deepEqual(await files.list(), [transaction(4)]);
    await files.forgetBelow(6);
    assert.deepEqual(await readdir(folder), []);
  });
});

describe('a process that ended with a transaction under way', () => {
  let market: Market;
  let ownerKey: PrivateKey;
  let folder: string;
  const waitMs = 300;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-sent-'));
    market = await startMarket('manual');
    ownerKey = market.ownerKey;
  });
  after(async () => {
    await market?.stop();
    await rm(folder, { recursive: true });
  });
  beforeEach(() => market.mine());

  /** Another process of the same account, which knows no more than the files. */
  const processOf = (heldUp: HeldUp[], replaceAfterMs = 0) => {
    const { chain, ocasc } = market;
    const signer = createKeySigner(ownerKey);
    return createOcascParty({
      ...{ ...chain, ocasc, signer, waitMs, replaceAfterMs },
      sent: createSentTransactionFiles(folder, chain.chainId, signer.account),
      onHeldUp: (one) => void heldUp.push(one),
    });
  };
  const offerOf = (party: ReturnType<typeof processOf>) =>
    party.offer(market.named, market.terms, party.account, randomEncryptionKey());
  const hashOf = (sending: Promise<unknown>) =>
    sending.then(
      () => assert.fail('it was mined'),
      (error: unknown) => {
        assert.ok(error instanceof NotRecordedError, String(error));
        return String(error.details.hash);
      },
    );
  const offers = () => market.ledger.readOfferCount(market.owner.account, 'latest');

  test('is followed by one that takes its place at once where it is stuck, and says which', async () => {
    const count = await offers();
    const stuck = await hashOf(offerOf(processOf([])));
    const heldUp: HeldUp[] = [];
    const hash = await hashOf(offerOf(processOf(heldUp)));
    const nonce = await market.nonce(accountOfKey(ownerKey));
    assert.deepEqual(heldUp, [{ event: 'replaced', account: accountOfKey(ownerKey), nonce, stuckHash: stuck, hash }]);
    assert.equal(await market.rpc.call('eth_getTransactionByHash', [stuck]), null);
    await market.mine();
    assert.equal(await offers(), count + 1n);
  });

  test('is waited for while it is young', async () => {
    const count = await offers();
    await hashOf(offerOf(processOf([])));
    const heldUp: HeldUp[] = [];
    const next = offerOf(processOf(heldUp, 20_000));
    while (heldUp.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(heldUp[0]?.event, 'waiting');
    await market.mine();
    await hashOf(next);
    await market.mine();
    assert.equal(await offers(), count + 2n);
    assert.equal(heldUp.length, 1);
  });

  test('and had kept what it never sent: its number is taken without waiting', async () => {
    const count = await offers();
    const { chain } = market;
    const nonce = await market.nonce(accountOfKey(ownerKey));
    const files = createSentTransactionFiles(folder, chain.chainId, accountOfKey(ownerKey));
    await files.keep({ ...transaction(nonce), maxFeePerGasWei: 10n ** 10n, sentAtMs: Date.now() });
    await hashOf(offerOf(processOf([], 20_000)));
    await market.mine();
    assert.equal(await offers(), count + 1n);
  });
});
