import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../../adapters/ethereum/account-signer.ts';
import { encodeLeaves } from '../../../adapters/ethereum/dissc-interface.ts';
import { createDisscLedger } from '../../../adapters/ethereum/dissc-ledger.ts';
import { createDisscOwner } from '../../../adapters/ethereum/dissc-owner.ts';
import { createDisscRecorder } from '../../../adapters/ethereum/dissc-recorder.ts';
import { createJsonRpc } from '../../../adapters/ethereum/json-rpc.ts';
import { type DatasetWriter, EMPTY_LOG, type SealedBatch, sealBatch } from '../../../core/batch/seal-batch.ts';
import { toHex } from '../../../core/bytes.ts';
import { ArgumentError, LedgerUnavailableError, NotRecordedError, StateError } from '../../../core/errors.ts';
import type { Address, DatasetId, DatasetKey, PrivateKey } from '../../../core/ids.ts';
import type { Recorder, SignedTransaction, Update } from '../../../core/ports/ledger.ts';

export interface LedgerTarget {
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly dissc: Address;
  /** An account with ether. */
  readonly fundedKey: () => Promise<PrivateKey>;
  /** Makes so many blocks, pending transactions included. */
  readonly mine: (blocks: number) => Promise<void>;
  /** Mines until everything up to the latest block is final. */
  readonly finalize: () => Promise<void>;
}

/** What the ledger and recorder ports, and the owner's calls, must do on a chain. */
export function ledgerConformance(name: string, lookUp: () => LedgerTarget): void {
  const ledgerOf = (target: LedgerTarget, changes: object = {}) => createDisscLedger({ ...target, ...changes });
  const newKey = (): PrivateKey => nodePrimitives.randomBytes(32) as PrivateKey;

  /** An owner's dataset, open for a device, and a relayer. */
  const open = async (published = false) => {
    const target = lookUp();
    const owner = createDisscOwner({ ...target, signer: createKeySigner(await target.fundedKey()) });
    const recorder = createDisscRecorder({ ...target, signer: createKeySigner(await target.fundedKey()) });
    const deviceKey = newKey();
    const device = createKeySigner(deviceKey).account;
    const wanted = [{ name: nodePrimitives.randomBytes(32), device }];
    const [{ datasets }] = await Promise.all([owner.openDatasets(wanted), mineSoon(target)]);
    const dataset = datasets[0] as DatasetId;
    const ledger = ledgerOf(target);
    const writer: DatasetWriter = {
      ...{ dataset, datasetKey: nodePrimitives.randomBytes(32) as DatasetKey, deviceKey, published },
      ...{ domain: ledger.domain, plain: true },
    };
    return { target, owner, recorder, ledger, dataset, device, writer, wanted };
  };
  /** The owner's calls wait for a block. */
  const mineSoon = async (target: LedgerTarget): Promise<void> => {
    const rpc = createJsonRpc(target);
    for (let i = 0; i < 200; i++) {
      const { pending } = (await rpc.call('txpool_status', [])) as { pending: string };
      if (Number(pending) > 0) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await target.mine(1);
  };
  const seal = (writer: DatasetWriter, counts: readonly number[]): SealedBatch[] => {
    let end = EMPTY_LOG;
    return counts.map((count) => {
      const captured = Array.from({ length: count }, (_, i) => ({ content: Uint8Array.of(i, 1), meta: { at: i } }));
      const batch = sealBatch(nodePrimitives, writer, end, captured, new Uint8Array(16));
      end = batch.end;
      return batch;
    });
  };
  const updateOf = (batches: readonly SealedBatch[]): Update => ({
    dataset: (batches[0] as SealedBatch).leaf.dataset,
    signature: (batches.at(-1) as SealedBatch).manifest.signature,
    leaves: batches.map(({ leaf, manifest }) => ({
      ...{ count: leaf.count, salt: leaf.salt, batchRoot: leaf.batchRoot },
      sealed: manifest.published ? manifest.blocks.map((block) => block.sealed) : null,
    })),
  });
  const send = async (recorder: Recorder, updates: readonly Update[]): Promise<SignedTransaction> => {
    const { gas } = await recorder.simulate(updates);
    const { latest } = await recorder.nonces();
    const transaction = await recorder.prepare(updates, { nonce: latest, gas: gas + gas / 10n });
    await recorder.broadcast(transaction);
    return transaction;
  };

  describe(`ledger: ${name}`, () => {
    it('reads zeros for a dataset that nobody opened, and no parties', async () => {
      const ledger = ledgerOf(lookUp());
      const unknown = `0x${toHex(nodePrimitives.randomBytes(32))}` as DatasetId;
      const { heads, point } = await ledger.readHeads([unknown], 'latest');
      assert.deepEqual(heads, [{ dataset: unknown, size: 0, batches: 0, root: new Uint8Array(32) }]);
      assert.ok(point.blockNumber > 0 && /^0x[0-9a-f]{64}$/.test(point.blockHash));
      assert.ok(Math.abs(point.timestampMs - Date.now()) < 3_600_000, 'milliseconds, near now');
      assert.deepEqual((await ledger.readParties([unknown], 'latest')).parties, [null]);
      assert.deepEqual((await ledger.readHeads([], 'latest')).heads, []);
    });

    it('keeps latest and final apart', async () => {
      const { target, ledger, recorder, dataset, writer } = await open();
      await target.finalize();
      const transaction = await send(recorder, [updateOf(seal(writer, [3]))]);
      assert.equal(await recorder.receipt(transaction.hash), null);
      await target.mine(1);
      const latest = await ledger.readHeads([dataset], 'latest');
      assert.deepEqual([latest.heads[0]?.batches, latest.heads[0]?.size], [1, 3]);
      const final = await ledger.readHeads([dataset], 'final');
      assert.equal(final.heads[0]?.batches, 0);
      assert.ok(final.point.blockNumber < latest.point.blockNumber);
      assert.deepEqual(await recorder.receipt(transaction.hash), {
        ...{ blockNumber: latest.point.blockNumber, final: false, ok: true },
      });
      assert.deepEqual(await recorder.nonces(), { latest: 1, final: 0 });
      await target.finalize();
      assert.equal((await ledger.readHeads([dataset], 'final')).heads[0]?.batches, 1);
      assert.equal((await recorder.receipt(transaction.hash))?.final, true);
      assert.deepEqual(await recorder.nonces(), { latest: 1, final: 1 });
    });

    it('answers heads and parties of many datasets in the order asked for', async () => {
      const one = await open();
      const other = await open();
      await send(one.recorder, [updateOf(seal(one.writer, [2, 2]))]);
      await one.target.mine(1);
      const unknown = `0x${toHex(nodePrimitives.randomBytes(32))}` as DatasetId;
      const asked = [other.dataset, unknown, one.dataset, ...Array.from({ length: 250 }, () => unknown), one.dataset];
      const { heads } = await one.ledger.readHeads(asked, 'latest');
      assert.deepEqual(
        heads.map((head) => head.dataset),
        asked,
      );
      assert.deepEqual(
        [heads[0], heads[1], heads[2], heads.at(-1)].map((head) => head?.batches),
        [0, 0, 2, 2],
      );
      const { parties } = await one.ledger.readParties([unknown, other.dataset], 'latest');
      assert.deepEqual(parties, [null, { owner: other.owner.account, device: other.device }]);
    });

    it('has the root that core computes, rooted and published', async () => {
      for (const published of [false, true]) {
        const { target, recorder, ledger, dataset, writer } = await open(published);
        const batches = seal(writer, [1, 1024, 7]);
        await send(recorder, [updateOf(batches)]);
        await target.mine(1);
        const { heads } = await ledger.readHeads([dataset], 'latest');
        assert.deepEqual(heads[0]?.root, batches.at(-1)?.manifest.head.root);
      }
    });

    it('finds who recorded what, and only within the blocks asked for', async () => {
      const { target, recorder, ledger, dataset, device, writer } = await open();
      const batches = seal(writer, [1, 2, 3]);
      const first = await send(recorder, [updateOf(batches.slice(0, 2))]);
      await target.mine(1);
      const at = (await recorder.receipt(first.hash))?.blockNumber as number;
      const second = await send(recorder, [updateOf(batches.slice(2))]);
      await target.mine(1);
      const found = await ledger.findRecorded(dataset, 0, at + 1);
      assert.deepEqual(
        found.map(({ signer, size, batches, txHash, blockNumber }) => ({ signer, size, batches, txHash, blockNumber })),
        [
          { signer: device, size: 3, batches: 2, txHash: first.hash, blockNumber: at },
          { signer: device, size: 6, batches: 3, txHash: second.hash, blockNumber: at + 1 },
        ],
      );
      assert.deepEqual(found[1]?.root, batches[2]?.manifest.head.root);
      assert.equal((await ledger.findRecorded(dataset, at + 1, at + 1)).length, 1);
      assert.deepEqual(await ledger.findRecorded(dataset, 0, at - 1), []);
      assert.deepEqual(await ledger.findRecorded(dataset, 5, 4), []);
    });

    it('tells in advance which updates the chain would refuse', async () => {
      const { recorder, writer } = await open();
      const [first, second] = seal(writer, [1, 1]) as [SealedBatch, SealedBatch];
      const forged = { ...updateOf([first]), signature: second.manifest.signature };
      const { accepted } = await recorder.simulate([updateOf([second]), forged, updateOf([first]), updateOf([second])]);
      assert.deepEqual(accepted, [false, false, true, true]);
      assert.deepEqual((await recorder.simulate([])).accepted, []);
    });

    it('refuses to send more than one transaction holds', async () => {
      const { recorder, writer } = await open();
      const update = updateOf(seal(writer, [1]));
      const many = { ...update, leaves: Array.from({ length: 1900 }, () => update.leaves[0] as never) };
      await assert.rejects(recorder.prepare([many], { nonce: 0, gas: 1_000_000n }), ArgumentError);
      await assert.rejects(recorder.prepare([update], { nonce: 0, gas: 16_777_217n }), ArgumentError);
      // Too much by a clear margin, whatever the random bytes cost; anvil takes no request of more than 2 MiB.
      const tooMuch = Array.from({ length: 4 }, () => ({ ...many, leaves: many.leaves.slice(0, 1700) }));
      await assert.rejects(recorder.simulate(tooMuch), ArgumentError);
    });

    it('takes a transaction twice, and a replacement that pays more', async () => {
      const { target, recorder, writer, ledger, dataset } = await open();
      const update = updateOf(seal(writer, [1]));
      const { gas } = await recorder.simulate([update]);
      const first = await recorder.prepare([update], { nonce: 0, gas: gas * 2n });
      await recorder.broadcast(first);
      await recorder.broadcast(first);
      const second = await recorder.prepare([update], { nonce: 0, gas: gas * 2n, replaces: first });
      assert.ok(second.maxFeePerGasWei * 8n >= first.maxFeePerGasWei * 9n);
      assert.ok(second.maxPriorityFeePerGasWei * 8n >= first.maxPriorityFeePerGasWei * 9n);
      await recorder.broadcast(second);
      await target.mine(1);
      assert.equal(await recorder.receipt(first.hash), null);
      assert.equal((await recorder.receipt(second.hash))?.ok, true);
      assert.equal((await ledger.readHeads([dataset], 'latest')).heads[0]?.batches, 1);
      await recorder.broadcast(second);
      await assert.rejects(recorder.broadcast(first), (error: unknown) => {
        assert.ok(error instanceof NotRecordedError);
        assert.equal(error.details.refusal, 'nonce-too-low');
        return true;
      });
    });

    it('says that the paying account has no funds', async () => {
      const { target, writer } = await open();
      const poor = createDisscRecorder({ ...target, signer: createKeySigner(newKey()) });
      assert.equal(await poor.balanceWei(), 0n);
      const update = updateOf(seal(writer, [1]));
      const { gas, accepted } = await poor.simulate([update]);
      assert.deepEqual(accepted, [true]);
      const transaction = await poor.prepare([update], { nonce: 0, gas });
      await assert.rejects(poor.broadcast(transaction), (error: unknown) => {
        assert.ok(error instanceof NotRecordedError);
        assert.equal(error.details.refusal, 'insufficient-funds');
        return true;
      });
    });

    it('opens a dataset once, however often it is asked to', async () => {
      const { target, owner, dataset, wanted } = await open();
      assert.deepEqual(await owner.openDatasets(wanted), { datasets: [dataset], transaction: null });
      const second = { name: nodePrimitives.randomBytes(32), device: createKeySigner(newKey()).account };
      const [both] = await Promise.all([owner.openDatasets([...wanted, second]), mineSoon(target)]);
      assert.equal(both.datasets.length, 2);
      assert.notEqual(both.transaction, null);
      const other = { ...second, device: createKeySigner(newKey()).account };
      await assert.rejects(owner.openDatasets([other]), ArgumentError);
    });

    it('replaces a device, and links objects to recorded blocks only', async () => {
      const { target, owner, recorder, ledger, dataset, writer } = await open();
      await send(recorder, [updateOf(seal(writer, [4]))]);
      await target.mine(1);
      await Promise.all([owner.link(dataset, { first: 1, count: 3 }, Uint8Array.of(1)), mineSoon(target)]);
      await assert.rejects(owner.link(dataset, { first: 1, count: 4 }, Uint8Array.of(1)), (error: unknown) => {
        assert.ok(error instanceof StateError);
        assert.equal(error.details.reason, 'DISSC_RangeNotRecorded');
        return true;
      });
      const next = createKeySigner(newKey()).account;
      await Promise.all([owner.setDevice(dataset, next), mineSoon(target)]);
      assert.equal((await ledger.readParties([dataset], 'latest')).parties[0]?.device, next);
      const stranger = createDisscOwner({ ...target, signer: createKeySigner(await target.fundedKey()) });
      await assert.rejects(stranger.setDevice(dataset, next), { name: 'ArgumentError', message: /DISSC_NotOwner/ });
    });

    it('packs a leaf as flag, count, salt and root', async () => {
      const { writer } = await open(true);
      const [batch] = seal(writer, [258]) as [SealedBatch];
      const packed = toHex(encodeLeaves(updateOf([batch])));
      assert.equal(packed, `0100000102${toHex(batch.leaf.salt)}${toHex(batch.leaf.batchRoot)}`);
    });

    it('fails when the node is on another chain', async () => {
      const other = ledgerOf(lookUp(), { chainId: 1 });
      await assert.rejects(other.readHeads([], 'latest'), { name: 'LedgerUnavailableError', message: /not on 1/ });
    });

    it('fails when there is no DISSC at the address', async () => {
      const wrong = ledgerOf(lookUp(), { dissc: `0x${'11'.repeat(20)}` });
      const dataset = `0x${'22'.repeat(32)}` as DatasetId;
      await assert.rejects(wrong.readHeads([dataset], 'latest'), {
        name: 'LedgerUnavailableError',
        message: /no contract/,
      });
    });

    it('fails as unavailable when no node is there, or the caller aborts', async () => {
      const away = ledgerOf(lookUp(), { rpcUrl: 'http://127.0.0.1:1' });
      await assert.rejects(away.readHeads([], 'latest'), LedgerUnavailableError);
      await assert.rejects(ledgerOf(lookUp()).readHeads([], 'latest', AbortSignal.abort()), { name: 'AbortError' });
    });
  });
}
