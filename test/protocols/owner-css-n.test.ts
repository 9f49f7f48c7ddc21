import assert from 'node:assert/strict';
import { createCipheriv, createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { base58btc } from 'multiformats/bases/base58';
import { readLinkedObjects, readPinnedManifests } from '../../client/owner/read-ipfs.ts';
import { type RetrievalAudit, type RetrievalSource, verifyRetrievable } from '../../client/owner/verify-retrievable.ts';
import { rawCid } from '../../core/batch/manifest.ts';
import { manifestCid } from '../../core/batch/manifest-cid.ts';
import { readSegment } from '../../core/batch/read-segment.ts';
import { sealLinkedObjects } from '../../core/block/linked-objects.ts';
import { auditKey } from '../../core/block/seal.ts';
import { ArgumentError, KeyError, RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { AuditKey, DatasetKey } from '../../core/ids.ts';
import type { LinkedEvent } from '../../core/ports/ledger.ts';
import type { Verdict } from '../../core/verdict.ts';
import { BOTH } from '../core/both-primitives.ts';
import { datasetKeyOf, HonestStorage, ledgerOf, sealLog, WRITER } from '../core/honest-storage.ts';
import { MemoryIpfs } from './memory-ipfs.ts';

const SIZES = [[40, 3000, 1], [1024], [5000, 17]];
const BLOCKS = 6;
const SOME_FILE = 'QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o';

for (const { name, primitives } of BOTH) {
  const log = sealLog(primitives, SIZES);
  const stored = log.flatMap(({ segment }) => readSegment(primitives, segment.car).blocks);
  const lines = log.flatMap(({ manifest }) => manifest.blocks);
  const audit: RetrievalAudit = { dataset: WRITER.dataset, datasetKeyOf, anchor: 'final' };
  const DEVICE = { serial: WRITER.serial, auditKey: auditKey(primitives, WRITER.datasetKey) };
  const cidOf = (index: number): string => rawCid(lines[index]?.sha256 as never).toString();

  const published = (): MemoryIpfs => {
    const ipfs = new MemoryIpfs();
    for (const batch of log) ipfs.publish(primitives, batch);
    return ipfs;
  };
  const run = async (
    source: RetrievalSource,
    more: Partial<RetrievalAudit> = {},
    links: readonly LinkedEvent[] = [],
    storage = new HonestStorage(primitives, log),
    signal?: AbortSignal,
  ) => {
    const verdicts: Verdict[] = [];
    const deps = {
      primitives,
      ledger: { ...ledgerOf(primitives, log), findLinked: async () => [...links] },
      records: storage,
    };
    const report = await verifyRetrievable(
      deps,
      source,
      { ...audit, ...more },
      (some) => verdicts.push(...some),
      signal,
    );
    return { report, verdicts, kinds: verdicts.map(({ verdict }) => verdict), storage };
  };
  const all = (kind: Verdict['verdict']): Verdict['verdict'][] => Array.from({ length: BLOCKS }, () => kind);
  const except = (index: number, kind: Verdict['verdict']) => all('intact').with(index, kind);
  const link = (first: number, objects: { cid: string; meta: Uint8Array }[], device = DEVICE) => ({
    ...{ first, count: objects.length, txHash: `0x${'11'.repeat(32)}`, blockNumber: 1 },
    objects: sealLinkedObjects(primitives, device, WRITER.dataset, first, objects),
  });
  const metaOf = (index: number): Uint8Array => lines[index]?.meta as Uint8Array;

  describe(`Protocol II, Table III, on ${name}`, () => {
    describe('plain retrieval', () => {
      const from = (css: HonestStorage): RetrievalSource => ({ from: 'get-block', css });

      it('steps 1–7 recorded it; 8–13: every block comes back, is hashed here and is intact', async () => {
        const storage = new HonestStorage(primitives, log);
        const { report, kinds, verdicts } = await run(from(storage));
        assert.deepEqual(kinds, all('intact'));
        assert.deepEqual([report.protocol, report.evidence, report.assurance.confidence], ['II', 'retrieved', 1]);
        assert.ok(verdicts.every(({ signer }) => signer !== null));
        // Table III step 8: BlockIDs to the CSS. Nothing is asked of it that it would have to compute.
        const asked = storage.calls.filter((call) => call.name === 'get-block').flatMap(({ blocks }) => blocks);
        assert.deepEqual(asked.toSorted(), [0, 1, 2, 3, 4, 5]);
      });

      it('a tampered and a swapped block are corrupted, and no other', async () => {
        const storage = new HonestStorage(primitives, log);
        const { car, key } = log[0]!.segment;
        const { offsets } = readSegment(primitives, car);
        const bytes = Uint8Array.from(car);
        bytes[(offsets[1] as number) + 7]! ^= 1;
        storage.objects.set(key, bytes);
        assert.deepEqual((await run(from(storage))).kinds, except(1, 'corrupted'));

        const swapping = new HonestStorage(primitives, log);
        swapping.getBlock = (dataset, index) =>
          HonestStorage.prototype.getBlock.call(swapping, dataset, index === 5 ? 0 : index);
        assert.deepEqual((await run(from(swapping))).kinds, except(5, 'corrupted'));
      });

      it('a refusal, a failure and a missing block cost that block its verdict, and the confidence', async () => {
        for (const [error, kind] of [
          [new RequestRefusedError('No.', { type: 'x', status: 403 }), 'refused'],
          [new StoreUnavailableError('It does not answer.'), 'unavailable'],
          [{ index: 3, kind: 'unavailable', reason: 'lost' }, 'unavailable'],
          [{ index: 3, kind: 'unrecorded', reason: 'never heard of it' }, 'unavailable'],
        ] as const) {
          const storage = new HonestStorage(primitives, log);
          storage.getBlock = async (dataset, index) => {
            if (index !== 3) return HonestStorage.prototype.getBlock.call(storage, dataset, index);
            if (error instanceof Error) throw error;
            return error;
          };
          const { kinds, report } = await run(from(storage));
          assert.deepEqual(kinds, except(3, kind));
          assert.equal(report.assurance.confidence, null);
        }
      });

      it('a wrong dataset key finds nothing intact', async () => {
        const other = new Uint8Array(32).fill(8) as DatasetKey;
        const wrong = await run(from(new HonestStorage(primitives, log)), { datasetKeyOf: () => other });
        // The key, the salt or the serial is not the right one: nobody's proven fault.
        assert.deepEqual(wrong.kinds, all('unavailable'));
        assert.ok(wrong.verdicts.every(({ blame }) => blame === null));
      });

      it('a block behind the head is unrecorded, and a record that leads elsewhere corrupted', async () => {
        const storage = new HonestStorage(primitives, log);
        const { kinds } = await run(from(storage), { range: { from: 5, to: 6 } });
        assert.deepEqual(kinds, ['intact', 'unrecorded']);
        const lying = new HonestStorage(primitives, log);
        lying.recordsOf = (batch, indices) => {
          const given = HonestStorage.prototype.recordsOf.call(lying, batch, indices);
          const records = given.records.map(({ index, record }) => ({
            index,
            record: { ...record, sealed: new Uint8Array(32) as typeof record.sealed },
          }));
          return { ...given, records };
        };
        assert.deepEqual((await run(from(storage), {}, [], lying)).kinds, all('corrupted'));
      });

      it('is called off with the reason given', async () => {
        const abort = new AbortController();
        const reason = new Error('enough');
        const storage = new HonestStorage(primitives, log);
        storage.getBlock = async () => {
          abort.abort(reason);
          throw new StoreUnavailableError('Aborted.');
        };
        await assert.rejects(run(from(storage), {}, [], storage, abort.signal), reason);
      });
    });

    describe('P2PFS with the same hash library', () => {
      const from = (p2pfs: MemoryIpfs): RetrievalSource => ({ from: 'ipfs', p2pfs, evidence: 'attested' });

      it('CIDs are compared with digests, and no block is retrieved', async () => {
        const ipfs = published();
        const { report, kinds } = await run(from(ipfs));
        assert.deepEqual(kinds, all('intact'));
        assert.deepEqual([report.evidence, report.assurance.confidence], ['attested', null]);
        const manifests = log.map(({ manifest }) => manifestCid(primitives, manifest));
        const fetched = ipfs.asked.filter((what) => !what.startsWith('name ')).map((what) => what.split(' ')[1]);
        assert.deepEqual(fetched.toSorted(), manifests.toSorted());
      });

      it('a missing leaf, a batch that is not pinned and a damaged manifest are unavailable', async () => {
        const missing = published();
        missing.blocks.delete(cidOf(1));
        assert.deepEqual((await run(from(missing))).kinds, except(1, 'unavailable'));
        const unpinned = published();
        unpinned.pins.delete(manifestCid(primitives, log[1]!.manifest));
        assert.deepEqual((await run(from(unpinned))).kinds, except(3, 'unavailable'));
        const damaged = published();
        const root = manifestCid(primitives, log[1]!.manifest);
        damaged.blocks.set(root, (damaged.blocks.get(root) as Uint8Array).with(90, 0));
        assert.deepEqual((await run(from(damaged))).kinds, except(3, 'unavailable'));
      });

      it('another CID or another size than the recorded one is corrupted', async () => {
        for (const [cid, sizeBytes] of [
          [cidOf(0), 16 + 3000],
          [cidOf(1), 16 + 3001],
          [cidOf(1), 0],
          [cidOf(1), 2 ** 21],
          [SOME_FILE, 16 + 3000],
          ['no cid', 16 + 3000],
          [cidOf(1).replace('baf', 'bag'), 16 + 3000],
        ] as const) {
          const ipfs = published();
          ipfs.nameBlock = async (asked) =>
            asked === cidOf(1) ? { cid, sizeBytes } : MemoryIpfs.prototype.nameBlock.call(ipfs, asked);
          assert.deepEqual((await run(from(ipfs))).kinds, except(1, 'corrupted'), `${cid} ${sizeBytes}`);
        }
      });

      it('a rival batch that is pinned too does not take the place of the recorded one', async () => {
        const rivals = sealLog(primitives, SIZES, WRITER, (index, size) => ({
          content: new Uint8Array(size).fill(index),
          meta: { at: index },
        }));
        for (const order of [
          [rivals, log],
          [log, rivals],
        ] as const) {
          const ipfs = new MemoryIpfs();
          for (const batch of order.flat()) ipfs.publish(primitives, batch);
          assert.deepEqual((await run(from(ipfs))).kinds, all('intact'));
        }
        const only = new MemoryIpfs();
        for (const batch of rivals) only.publish(primitives, batch);
        assert.deepEqual((await run(from(only))).kinds, all('unavailable'));
      });

      it('a node that hangs for a block is unavailable; one that does not even list is an error', async () => {
        const hanging = published();
        hanging.nameBlock = async () => Promise.reject(new StoreUnavailableError('Nothing within 5 ms.'));
        assert.deepEqual((await run(from(hanging))).kinds, all('unavailable'));
        const dead = published();
        dead.pinnedRoots = async function* () {
          yield await Promise.reject(new StoreUnavailableError('Nothing within 5 ms.'));
        };
        await assert.rejects(run(from(dead)), StoreUnavailableError);
      });

      it('pins that are none of ours are passed over', async () => {
        const ipfs = published();
        ipfs.pins.add(SOME_FILE).add('nonsense').add(cidOf(2));
        const find = await readPinnedManifests({ primitives, p2pfs: ipfs }, WRITER.dataset);
        assert.equal(find({ first: 4, salt: log[2]!.manifest.salt } as never)?.blocks.length, 2);
        assert.equal(find({ first: 4, salt: log[1]!.manifest.salt } as never), null);
      });
    });

    describe('P2PFS with another hash library', () => {
      const from = (p2pfs: MemoryIpfs): RetrievalSource => ({ from: 'ipfs', p2pfs, evidence: 'retrieved' });
      const linkTo = (ipfs: MemoryIpfs, index: number, content = stored[index] as Uint8Array): LinkedEvent => {
        ipfs.files.set(SOME_FILE, content);
        return link(index, [{ cid: SOME_FILE, meta: metaOf(index) }]);
      };

      it('a linked object is retrieved from peers and hashed here, whatever its CID says', async () => {
        const ipfs = new MemoryIpfs();
        const { kinds, report } = await run(from(ipfs), {}, [linkTo(ipfs, 1)]);
        assert.deepEqual(kinds, all('unavailable').with(1, 'intact'));
        assert.equal(report.evidence, 'retrieved');
        assert.ok(ipfs.asked.includes(`file ${SOME_FILE}`));
      });

      it('where nothing is linked, the published blocks are retrieved', async () => {
        const ipfs = published();
        assert.deepEqual((await run(from(ipfs))).kinds, all('intact'));
        assert.equal(ipfs.asked.filter((what) => what.startsWith('file ')).length, BLOCKS);
      });

      it('an altered, a swapped, an oversized and an empty object are not intact', async () => {
        for (const [content, kind] of [
          [stored[1]!.with(5, 1), 'corrupted'],
          [stored[0]!, 'corrupted'],
          [new Uint8Array(2 ** 20 + 1), 'unavailable'],
          [new Uint8Array(0), 'unavailable'],
        ] as const) {
          const ipfs = published();
          assert.deepEqual((await run(from(ipfs), {}, [linkTo(ipfs, 1, content)])).kinds, except(1, kind));
        }
      });

      it('a meta that is not the recorded one is corrupted', async () => {
        const ipfs = published();
        ipfs.files.set(SOME_FILE, stored[1] as Uint8Array);
        const event = link(1, [{ cid: SOME_FILE, meta: metaOf(2) }]);
        assert.deepEqual((await run(from(ipfs), {}, [event])).kinds, except(1, 'corrupted'));
      });

      it('an object that no peer has, or that is looked for in vain, is unavailable', async () => {
        const ipfs = published();
        const event = link(1, [{ cid: SOME_FILE, meta: metaOf(1) }]);
        assert.deepEqual((await run(from(ipfs), {}, [event])).kinds, except(1, 'unavailable'));
        ipfs.readFile = async (cid, most) => {
          if (cid === SOME_FILE) throw new StoreUnavailableError('Not found within 5 ms.');
          return MemoryIpfs.prototype.readFile.call(ipfs, cid, most);
        };
        assert.deepEqual((await run(from(ipfs), {}, [event])).kinds, except(1, 'unavailable'));
      });

      it('a node that hangs for every block is given up, and one that answers in between is not', async () => {
        const many = sealLog(primitives, [Array.from({ length: 100 }, () => 5)]);
        const deps = { primitives, ledger: { ...ledgerOf(primitives, many), findLinked: async () => [] } };
        const records = new HonestStorage(primitives, many);
        for (const [answersEvery, asked] of [
          [1000, 24],
          [20, 100],
        ] as const) {
          const ipfs = new MemoryIpfs();
          for (const batch of many) ipfs.publish(primitives, batch);
          let questions = 0;
          ipfs.readFile = async (cid, most) => {
            if (++questions % answersEvery !== 0) throw new StoreUnavailableError('Nothing within 5 ms.');
            return MemoryIpfs.prototype.readFile.call(ipfs, cid, most);
          };
          const report = await verifyRetrievable({ ...deps, records }, from(ipfs), audit);
          assert.equal(report.counts.unavailable, 100 - Math.floor(asked / answersEvery));
          // Those under way at the same time are asked too.
          assert.ok(questions >= asked && questions < asked + 8, String(questions));
        }
      });

      it('the newest link of a block counts', async () => {
        const old = link(
          0,
          [0, 1].map((index) => ({ cid: SOME_FILE, meta: metaOf(index) })),
        );
        const newer = link(1, [{ cid: cidOf(1), meta: metaOf(1) }]);
        const query = { dataset: WRITER.dataset, datasetKeyOf, fromBlock: 0, toBlock: 9 };
        const ledger = { findLinked: async () => [old, newer] };
        const linked = await readLinkedObjects({ primitives, ledger }, query);
        assert.deepEqual([linked.get(0)?.cid, linked.get(1)?.cid, linked.get(2)], [SOME_FILE, cidOf(1), undefined]);
      });

      it('a link that another key sealed, or that was moved to another block, is an error', async () => {
        const good = link(1, [{ cid: SOME_FILE, meta: metaOf(1) }]);
        for (const event of [
          link(1, [{ cid: SOME_FILE, meta: metaOf(1) }], { ...DEVICE, auditKey: new Uint8Array(32) as AuditKey }),
          link(1, [{ cid: SOME_FILE, meta: metaOf(1) }], { ...DEVICE, serial: DEVICE.serial + 1 }),
          { ...good, first: 2 },
          { ...good, count: 2 },
          { ...good, objects: good.objects.with(20, 0).with(21, 0) },
          { ...good, objects: new Uint8Array(15) },
        ]) {
          await assert.rejects(run(from(published()), {}, [event]), KeyError);
        }
      });
    });
  });

  describe(`objects linked to blocks, on ${name}`, () => {
    it('have the layout of an independent implementation', () => {
      const iv = new Uint8Array(12).fill(3);
      const objects = [{ cid: SOME_FILE, meta: metaOf(0) }];
      const fixed = {
        ...primitives,
        sealAesGcm: primitives.sealAesGcm,
        hmacSha256: primitives.hmacSha256,
        randomBytes: () => iv,
      };
      const sealed = sealLinkedObjects(fixed, DEVICE, WRITER.dataset, 258, objects);

      const audit = createHmac('sha256', WRITER.datasetKey).update('01', 'hex').digest();
      const key = createHmac('sha256', audit).update('15', 'hex').digest();
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      cipher.setAAD(Buffer.from(`${WRITER.dataset.slice(2)}000000000000010200000001`, 'hex'));
      // dag-cbor: a list of one list of two byte strings, of 34 bytes (a CIDv0) and of the meta's length, below 24.
      const cid = Buffer.concat([Buffer.from('81825822', 'hex'), base58btc.decode(`z${SOME_FILE}`)]);
      const meta = Buffer.concat([Uint8Array.of(0x40 + metaOf(0).length), metaOf(0)]);
      const serial = Buffer.alloc(4);
      serial.writeUInt32BE(WRITER.serial);
      const wanted = Buffer.concat([
        serial,
        iv,
        cipher.update(Buffer.concat([cid, meta])),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
      assert.equal(Buffer.from(sealed).toString('hex'), wanted.toString('hex'));
    });

    it('are sealed under a fresh nonce, and refused when they do not fit one link', () => {
      const objects = [{ cid: SOME_FILE, meta: metaOf(0) }];
      const seal = (some = objects) => sealLinkedObjects(primitives, DEVICE, WRITER.dataset, 0, some);
      assert.notDeepEqual(seal(), seal());
      assert.throws(() => seal([]), ArgumentError);
      assert.throws(() => seal([{ cid: 'nonsense', meta: metaOf(0) }]), ArgumentError);
      assert.throws(() => seal([{ cid: SOME_FILE, meta: new Uint8Array(1) }]), ArgumentError);
      assert.throws(() => seal(Array.from({ length: 1500 }, () => objects[0]!)), ArgumentError);
    });
  });
}
