import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../../adapters/ethereum/account-signer.ts';
import { createDisscLedger } from '../../../adapters/ethereum/dissc-ledger.ts';
import { createDisscOwner } from '../../../adapters/ethereum/dissc-owner.ts';
import { createDisscPublisher } from '../../../adapters/ethereum/dissc-publisher.ts';
import { createDisscRecorder } from '../../../adapters/ethereum/dissc-recorder.ts';
import { createJsonRpc } from '../../../adapters/ethereum/json-rpc.ts';
import { concatBytes, toHex } from '../../../core/bytes.ts';
import { signCharter } from '../../../core/charter/charter.ts';
import type { DatasetName } from '../../../core/charter/dataset-name.ts';
import { ArgumentError, LedgerUnavailableError, NotRecordedError } from '../../../core/errors.ts';
import type { Address, DatasetId, PrivateKey } from '../../../core/ids.ts';
import { rebuildPeaks } from '../../../core/log/rebuild-peaks.ts';
import type { RecordCall, Recorder, SignedTransaction, Update } from '../../../core/ports/ledger.ts';
import { DeviceLog } from '../../adapters/device-log.ts';

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

  /** An owner's dataset, of which the chain knows nothing yet, and a relayer. */
  const open = async () => {
    const target = lookUp();
    const ownerKey = await target.fundedKey();
    const owner = createDisscOwner({ ...target, signer: createKeySigner(ownerKey) });
    const recorder = createDisscRecorder({ ...target, signer: createKeySigner(await target.fundedKey()) });
    const ledger = ledgerOf(target);
    const log = new DeviceLog(ledger.domain, ownerKey);
    return { target, owner, ownerKey, recorder, ledger, log, dataset: log.dataset };
  };
  /** What records all that was sealed since, after `counts` more batches of so many blocks. */
  const callOf = (log: DeviceLog, counts: readonly number[]): RecordCall => {
    for (const count of counts) log.seal(Array.from({ length: count }, () => 1));
    return { charters: [log.charter], updates: [log.update()] };
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
  const send = async (recorder: Recorder, call: RecordCall): Promise<SignedTransaction> => {
    const { gas } = await recorder.simulate(call);
    const { latest } = await recorder.nonces();
    const transaction = await recorder.prepare(call, { nonce: latest, gas });
    await recorder.broadcast(transaction);
    return transaction;
  };

  describe(`ledger: ${name}`, () => {
    it('reads zeros for a dataset that the chain does not know, and no device', async () => {
      const ledger = ledgerOf(lookUp());
      const unknown = `0x${toHex(nodePrimitives.randomBytes(32))}` as DatasetId;
      const { heads, point } = await ledger.readHeads([unknown], 'latest');
      assert.deepEqual(heads, [{ dataset: unknown, size: 0, root: new Uint8Array(32) }]);
      assert.ok(point.blockNumber > 0 && /^0x[0-9a-f]{64}$/.test(point.blockHash));
      assert.ok(Math.abs(point.timestampMs - Date.now()) < 3_600_000, 'milliseconds, near now');
      assert.deepEqual((await ledger.readDevices([unknown], 'latest')).devices, [null]);
      assert.deepEqual((await ledger.readHeads([], 'latest')).heads, []);
      assert.deepEqual(await ledger.findRecorded(unknown, 0, point.blockNumber), []);
      assert.deepEqual(await ledger.findChartered({ dataset: unknown }, 0, point.blockNumber), []);
    });

    it('keeps latest and final apart', async () => {
      const { target, ledger, recorder, dataset, log } = await open();
      await target.finalize();
      const transaction = await send(recorder, callOf(log, [3]));
      assert.equal(await recorder.receipt(transaction.hash), null);
      await target.mine(1);
      const latest = await ledger.readHeads([dataset], 'latest');
      assert.equal(latest.heads[0]?.size, 3);
      const final = await ledger.readHeads([dataset], 'final');
      assert.equal(final.heads[0]?.size, 0);
      assert.ok(final.point.blockNumber < latest.point.blockNumber);
      assert.deepEqual((await ledger.readDevices([dataset], 'final')).devices, [null]);
      assert.deepEqual(await recorder.receipt(transaction.hash), {
        ...{ blockNumber: latest.point.blockNumber, final: false, ok: true },
      });
      assert.deepEqual(await recorder.nonces(), { latest: 1, final: 0 });
      await target.finalize();
      assert.equal((await ledger.readHeads([dataset], 'final')).heads[0]?.size, 3);
      assert.equal((await recorder.receipt(transaction.hash))?.final, true);
      assert.deepEqual(await recorder.nonces(), { latest: 1, final: 1 });
    });

    it('answers heads and devices of many datasets in the order asked for', async () => {
      const one = await open();
      const other = await open();
      await send(one.recorder, callOf(one.log, [2, 2]));
      await send(other.recorder, { charters: [other.log.charter], updates: [] });
      await one.target.mine(1);
      const unknown = `0x${toHex(nodePrimitives.randomBytes(32))}` as DatasetId;
      const asked = [other.dataset, unknown, one.dataset, ...Array.from({ length: 1100 }, () => unknown), one.dataset];
      const { heads } = await one.ledger.readHeads(asked, 'latest');
      assert.deepEqual(
        heads.map((head) => head.dataset),
        asked,
      );
      assert.deepEqual(
        [heads[0], heads[1], heads[2], heads.at(-1)].map((head) => head?.size),
        [0, 0, 4, 4],
      );
      const { devices } = await one.ledger.readDevices([unknown, other.dataset], 'latest');
      const { device, serial } = other.log.charter;
      assert.deepEqual(devices, [null, { device, serial }]);
      const many = await one.ledger.readDevices(asked, 'latest');
      const chartered = { device: one.log.charter.device, serial: one.log.charter.serial };
      assert.deepEqual(
        many.devices,
        asked.map((dataset) => {
          if (dataset === one.dataset) return chartered;
          return dataset === other.dataset ? { device, serial } : null;
        }),
      );
    });

    it('has the root that core computes, after whatever has come since', async () => {
      const { target, recorder, ledger, dataset, log } = await open();
      for (const counts of [[1], [1024, 7, 1], [300], [1, 1, 1]]) {
        await send(recorder, callOf(log, counts));
        await target.mine(1);
        const { heads } = await ledger.readHeads([dataset], 'latest');
        assert.deepEqual(heads[0]?.root, log.batches.at(-1)?.manifest.head.root);
        assert.equal(heads[0]?.size, log.end.size);
      }
    });

    it('finds who recorded what, only within the blocks asked for, and enough to rebuild the peaks', async () => {
      const { target, recorder, ledger, dataset, log } = await open();
      const first = await send(recorder, callOf(log, [1, 2]));
      await target.mine(1);
      const at = (await recorder.receipt(first.hash))?.blockNumber as number;
      const second = await send(recorder, callOf(log, [3]));
      await target.mine(1);
      const found = await ledger.findRecorded(dataset, 0, at + 1);
      const signer = log.charter.device;
      assert.deepEqual(
        found.map(({ signer: by, size, txHash, blockNumber, logIndex }) => ({
          by,
          size,
          txHash,
          blockNumber,
          logIndex,
        })),
        [
          // The charter's event is before it.
          { by: signer, size: 3, txHash: first.hash, blockNumber: at, logIndex: 1 },
          { by: signer, size: 6, txHash: second.hash, blockNumber: at + 1, logIndex: 0 },
        ],
      );
      assert.deepEqual(found[1]?.root, log.batches[2]?.manifest.head.root);
      assert.deepEqual([...rebuildPeaks(nodePrimitives, found)].at(-1), log.end);
      assert.equal((await ledger.findRecorded(dataset, at + 1, at + 1)).length, 1);
      assert.deepEqual(await ledger.findRecorded(dataset, 0, at - 1), []);
      assert.deepEqual(await ledger.findRecorded(dataset, 5, 4), []);
    });

    it('finds charters by dataset and by owner, as they were signed', async () => {
      const { target, ownerKey, owner, recorder, ledger, log } = await open();
      const { signature: _, ...charter } = log.charter;
      const transaction = await send(recorder, { charters: [log.charter], updates: [] });
      await target.mine(1);
      const at = (await recorder.receipt(transaction.hash))?.blockNumber as number;
      const expected = { dataset: log.dataset, charter, txHash: transaction.hash, blockNumber: at, logIndex: 0 };
      assert.deepEqual(await ledger.findChartered({ dataset: log.dataset }, 0, at), [expected]);
      const another = new DeviceLog(ledger.domain, ownerKey, 2);
      await Promise.all([owner.recordCharters([another.charter]), mineSoon(target)]);
      const { point } = await ledger.readHeads([log.dataset], 'latest');
      const found = await ledger.findChartered({ owner: owner.account }, 0, point.blockNumber);
      assert.deepEqual(
        found.map(({ dataset, charter: { kind } }) => [dataset, kind]),
        [
          [log.dataset, 1],
          [another.dataset, 2],
        ],
      );
      assert.deepEqual(await ledger.findChartered({ owner: owner.account }, 0, at - 1), []);
    });

    it('tells in advance which updates the chain would refuse', async () => {
      const { recorder, log } = await open();
      const first = callOf(log, [1]);
      const second = callOf(log, [1]);
      const updates = [...first.updates, ...second.updates] as [Update, Update];
      const forged = { ...updates[0], signature: updates[1].signature };
      const asked = [updates[1], forged, ...updates];
      assert.deepEqual((await recorder.simulate({ ...first, updates: asked })).accepted, [false, false, true, true]);
      // Without its charter the chain knows nobody who could have signed.
      assert.deepEqual((await recorder.simulate({ charters: [], updates })).accepted, [false, false]);
      assert.deepEqual((await recorder.simulate({ charters: [], updates: [] })).accepted, []);
    });

    it('refuses a charter that its owner has not signed, by name, and an anchorer’s from anybody else', async () => {
      const { recorder, owner, ownerKey, ledger, log } = await open();
      const call = callOf(log, [1]);
      const reasonIs = (reason: string) => (error: unknown) => {
        assert.ok(error instanceof ArgumentError, String(error));
        assert.equal(error.details.reason, reason);
        return true;
      };
      const forged = { ...log.charter, from: 1 };
      await assert.rejects(recorder.simulate({ ...call, charters: [forged] }), reasonIs('DISSC_WrongCharterSignature'));
      const { signature: _, ...charter } = { ...log.charter, anchorer: recorder.account };
      const anchored = { ...charter, signature: signCharter(ledger.domain, charter, ownerKey) };
      await assert.rejects(recorder.simulate({ ...call, charters: [anchored] }), reasonIs('DISSC_NotOwner'));
      await assert.rejects(owner.recordCharters([{ ...log.charter, owner: recorder.account }]), ArgumentError);
    });

    it('refuses to send more than one transaction holds, and says so before when the chain takes less gas', async () => {
      const { recorder, ownerKey, ledger, log } = await open();
      const call = callOf(log, [1]);
      const long = { ...call, charters: Array.from({ length: 400 }, () => log.charter) };
      await assert.rejects(recorder.prepare(long, { nonce: 0, gas: 1_000_000n }), {
        name: 'ArgumentError',
        message: /bytes; at most/,
      });
      // Each takes more than 29,000 gas; nodes take no call that may need more than a transaction may.
      const many = Array.from({ length: 1000 }, () => new DeviceLog(ledger.domain, ownerKey).charter);
      await assert.rejects(recorder.simulate({ charters: many, updates: [] }), {
        name: 'ArgumentError',
        message: /1000 charters and 0 updates at once.*Send fewer at a time/,
      });
      const { gas } = await recorder.simulate({ charters: many.slice(0, 50), updates: [] });
      assert.ok(gas > 50n * 29_000n, `${gas}`);
    });

    it('records an owner’s charters in as many transactions as it takes, and again without harm', async () => {
      const { target, owner, ownerKey, ledger } = await open();
      // A transaction has at most 128 KiB, and each charter 320 bytes and its place.
      const charters = Array.from({ length: 500 }, () => ({
        ...new DeviceLog(ledger.domain, ownerKey).charter,
        signature: null,
      }));
      const ended = new AbortController();
      const mining = (async () => {
        while (!ended.signal.aborted) await mineSoon(target);
      })();
      try {
        const sent = await owner.recordCharters(charters);
        assert.equal(sent.length, 2);
        const last = sent.at(-1)?.blockNumber as number;
        assert.equal((await ledger.findChartered({ owner: owner.account }, 0, last)).length, 500);
        const again = await owner.recordCharters(charters.slice(0, 3));
        const end = again[0]?.blockNumber as number;
        assert.deepEqual(await ledger.findChartered({ owner: owner.account }, last + 1, end), []);
        assert.deepEqual(await owner.recordCharters([]), []);
      } finally {
        ended.abort();
        await mining;
      }
    });

    it('takes a transaction twice, and a replacement that pays more', async () => {
      const { target, recorder, log, ledger, dataset } = await open();
      const call = callOf(log, [1]);
      const { gas } = await recorder.simulate(call);
      const first = await recorder.prepare(call, { nonce: 0, gas: gas * 2n });
      await recorder.broadcast(first);
      await recorder.broadcast(first);
      const second = await recorder.prepare(call, { nonce: 0, gas: gas * 2n, replaces: first });
      assert.ok(second.maxFeePerGasWei * 8n >= first.maxFeePerGasWei * 9n);
      assert.ok(second.maxPriorityFeePerGasWei * 8n >= first.maxPriorityFeePerGasWei * 9n);
      await recorder.broadcast(second);
      await target.mine(1);
      assert.equal(await recorder.receipt(first.hash), null);
      assert.equal((await recorder.receipt(second.hash))?.ok, true);
      assert.equal((await ledger.readHeads([dataset], 'latest')).heads[0]?.size, 1);
      await recorder.broadcast(second);
      await assert.rejects(recorder.broadcast(first), (error: unknown) => {
        assert.ok(error instanceof NotRecordedError);
        assert.equal(error.details.refusal, 'nonce-too-low');
        return true;
      });
    });

    it('says that the paying account has no funds', async () => {
      const { target, log } = await open();
      const poor = createDisscRecorder({ ...target, signer: createKeySigner(newKey()) });
      assert.equal(await poor.balanceWei(), 0n);
      const call = callOf(log, [1]);
      const { gas, accepted } = await poor.simulate(call);
      assert.deepEqual(accepted, [true]);
      const transaction = await poor.prepare(call, { nonce: 0, gas });
      await assert.rejects(poor.broadcast(transaction), (error: unknown) => {
        assert.ok(error instanceof NotRecordedError);
        assert.equal(error.details.refusal, 'insufficient-funds');
        return true;
      });
    });

    it('replaces a device by a charter with a higher serial, and skips a lower one', async () => {
      const { target, owner, recorder, ledger, dataset, log } = await open();
      await send(recorder, callOf(log, [4]));
      await target.mine(1);
      const next = createKeySigner(newKey()).account;
      const { signature: _, ...charter } = { ...log.charter, device: next, serial: log.charter.serial + 1, from: 4 };
      // The owner's own account needs no signature.
      await Promise.all([owner.recordCharters([{ ...charter, signature: null }]), mineSoon(target)]);
      const expected = { device: next, serial: charter.serial };
      assert.deepEqual((await ledger.readDevices([dataset], 'latest')).devices, [expected]);
      await Promise.all([owner.recordCharters([log.charter]), mineSoon(target)]);
      assert.deepEqual((await ledger.readDevices([dataset], 'latest')).devices, [expected]);
      const late = callOf(log, [1]);
      assert.deepEqual((await recorder.simulate(late)).accepted, [false]);
    });

    it('links objects to blocks of an owner’s dataset, and finds them', async () => {
      const { target, owner, ledger, dataset, log } = await open();
      const named = { name: log.charter.name as DatasetName, kind: log.charter.kind };
      const [linked] = await Promise.all([
        owner.link(named, { first: 1, count: 3 }, Uint8Array.of(1, 2)),
        mineSoon(target),
      ]);
      const { txHash, blockNumber } = linked;
      assert.deepEqual(await ledger.findLinked(dataset, 0, blockNumber), [
        { first: 1, count: 3, objects: Uint8Array.of(1, 2), txHash, blockNumber },
      ]);
      assert.deepEqual(await ledger.findLinked(dataset, 0, blockNumber - 1), []);
    });

    it('publishes the sealed digests of a batch for anybody, and finds them', async () => {
      const { target, ledger, dataset, log } = await open();
      const key = await target.fundedKey();
      const publisher = createDisscPublisher({ ...target, signer: createKeySigner(key) });
      const { manifest } = log.seal([1, 2, 3]);
      const { first, serial, salt, nonce, blocks } = manifest;
      const batch = { dataset, first, serial, salt, nonce, sealed: blocks.map(({ record }) => record.sealed) };
      const [{ txHash, blockNumber }] = await Promise.all([publisher.publish(batch), mineSoon(target)]);
      const expected = {
        dataset,
        first,
        serial,
        salt,
        nonce: new Uint8Array(16),
        sealedDigests: concatBytes(...batch.sealed),
        sender: publisher.account,
        txHash,
        blockNumber,
        logIndex: 0,
      };
      assert.deepEqual(await ledger.findPublished(dataset, 0, blockNumber), [expected]);
      await assert.rejects(publisher.publish({ ...batch, sealed: [] }), {
        name: 'ArgumentError',
        message: /DISSC_BadSealedLength/,
      });
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
