import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { AgreementId } from '../../core/ids.ts';
import { lockPurchase, openPurchaseFile, purchasePath } from '../../library/purchase-file.ts';

const ID = `0x${'a9'.repeat(32)}` as AgreementId;
const OTHER = `0x${'b8'.repeat(32)}` as AgreementId;
const PURCHASE_FILE = join(import.meta.dirname, '..', '..', 'library', 'purchase-file.ts');

describe('two commands at once on one purchase', () => {
  let home: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'plumbline-purchase-'));
  });
  after(() => rm(home, { recursive: true, force: true }));

  it('a second audit or fetch is refused while one runs, and let in when that one was killed', async () => {
    const script = `
      const { lockPurchase, openPurchaseFile } = await import(${JSON.stringify(PURCHASE_FILE)});
      const store = await openPurchaseFile(process.env.TEST_HOME, process.env.TEST_ID);
      await lockPurchase(process.env.TEST_HOME, process.env.TEST_ID, store);
      await store.save({ due: 7n });
      process.stdout.write('locked');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, TEST_HOME: home, TEST_ID: ID },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const stale = await openPurchaseFile(home, ID);
    // A program that ends without a word is not waited for.
    const [first] = await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
    assert.equal(String(first), 'locked');
    await assert.rejects(lockPurchase(home, ID, stale), /Another process is auditing or fetching/);
    child.kill('SIGKILL');
    await once(child, 'close');
    await lockPurchase(home, ID, stale);
    assert.equal(stale.state.due, 7n, 'what the other one has signed is known here');
    await assert.rejects(lockPurchase(home, ID, stale), /Another process/);
  });

  it('a short command beside a fetch takes nothing back that the fetch has noted', async () => {
    const [fetching, challenging] = [await openPurchaseFile(home, ID), await openPurchaseFile(home, ID)];
    await fetching.save({ due: 900n, verified: 8, nextSequence: 5 });
    const txHash = `0x${'cd'.repeat(32)}`;
    await challenging.save({ transactions: [{ call: 'challenge', txHash, blockNumber: 1, gasUsed: 2n, feeWei: 3n }] });
    await fetching.save({ verified: 12 });
    const { due, verified, nextSequence, transactions } = (await openPurchaseFile(home, ID)).state;
    assert.deepEqual([due, verified, nextSequence, transactions.length], [900n, 12, 5, 1]);
  });

  it('the state of another agreement is not taken for this one’s', async () => {
    await (await openPurchaseFile(home, ID)).save({ due: 900n });
    await copyFile(purchasePath(home, ID, 'json'), purchasePath(home, OTHER, 'json'));
    await assert.rejects(openPurchaseFile(home, OTHER), /belongs to agreement 0xa9a9/);
  });
});
