import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { chunkRootFromProof } from '../../core/block/chunk-tree.ts';
import { blockDigest } from '../../core/block/digest.ts';
import { openDigest } from '../../core/block/seal.ts';
import { equalBytes } from '../../core/bytes.ts';
import type { OpenedBlock } from '../../core/protocols/challenge-storage.ts';
import { decodeHashedBlocks, decodeProvenChunks, decodeRecords } from '../../core/wire/answers.ts';
import { type ConsumerScene, setScene } from './consumer-scene.ts';
import type { LyingProxy } from './lying-proxy.ts';
import { BLOCKS } from './recorded-stack.ts';
import { audit, buy, keysSent, settle } from './sale-on-stack.ts';
import { withstandOwner } from './withstand-owner.ts';
import { withstandParties } from './withstand-parties.ts';
import { withstandStorage } from './withstand-storage.ts';

/** What the storage has answered, for each block. */
function openingsIn({ path, body, answer }: LyingProxy['seen'][number]): OpenedBlock[] {
  const bytes = answer?.body as Uint8Array;
  if (path.includes('/hashes')) {
    return decodeHashedBlocks(bytes).answers.map((one) => ('opening' in one ? one : assert.fail(one.reason)));
  }
  const { challenges } = JSON.parse(Buffer.from(body).toString()) as {
    challenges: { index: number; random: number }[];
  };
  return decodeProvenChunks(bytes).answers.map((one) => {
    if ('kind' in one) assert.fail(one.reason);
    const random = challenges.find(({ index }) => index === one.index)?.random as number;
    const { index, size, sha256, metaHash } = one;
    const chunkRoot = chunkRootFromProof(nodePrimitives, size, random, one);
    return { index, opening: { size, sha256, chunkRoot, metaHash } };
  });
}

/* Protocol III (Table IV) on the embedded stack: a consumer samples what a device has recorded, on storage that can hash. */
describe('Protocol III on the embedded stack', { timeout: 300_000 }, () => {
  let scene: ConsumerScene;
  before(async () => {
    scene = await setScene('III');
  });
  after(() => scene?.stack.close());

  for (const evidence of ['possession', 'attested'] as const) {
    it(`steps 1–12, ${evidence}`, async () => {
      const { stack, proxy, seller } = scene;
      proxy.reset();
      const bought = await buy(stack, await seller.offer({ samples: 4 }));
      const { purchase, terms, log, store } = bought;
      // Table IV step 1: the agreement between owner and consumer, on OCASC.
      assert.deepEqual([purchase.state, purchase.owner, purchase.due], ['active', seller.of.owner, terms.fee]);
      // Table IV step 2: the owner lets the storage serve it, on ASC.
      const [grant] = (await stack.grants.readGrants([seller.of.grant], 'final')).grants;
      assert.deepEqual([grant?.state, grant?.terms.css, grant?.terms.digests], ['accepted', stack.file.operator, true]);
      // Table IV step 3: the BlockIDs, and what is to be known of the storage.
      assert.deepEqual([terms.dataset, terms.first, terms.count], [seller.of.dataset, 0, BLOCKS]);
      const { report, kinds, verdicts, distrusted } = await audit(stack, bought, {
        ...{ protocol: 'III', evidence, sample: 4, proxy },
      });
      // Table IV step 4: the consumer's own choice.
      const { sampled } = store.state;
      assert.equal(new Set(sampled).size, 4);
      // Table IV step 6: the BlockIDs of the sample to the CSS, and no others.
      const route = evidence === 'possession' ? '/proofs' : '/hashes';
      const asked = proxy.seen.filter(({ path }) => path.includes(route));
      const body = JSON.parse(Buffer.from(asked[0]!.body).toString());
      const named =
        evidence === 'possession' ? body.challenges.map((one: { index: number }) => one.index) : body.blocks;
      assert.deepEqual([asked.length, named], [1, sampled]);
      // Table IV step 7: its answer, computed from the stored bytes.
      assert.equal(asked[0]?.answer?.status, 200);
      // Table IV step 5: the keys of the sampled blocks, only after the storage has answered.
      const posted = proxy.seen.findIndex(({ method, path }) => method === 'POST' && path.endsWith('/messages'));
      assert.ok(posted > proxy.seen.indexOf(asked[0]!), 'the owner learns the sample last');
      assert.equal((await seller.event('request', bought.id)).admitted, 4);
      // Table IV step 7: Hash(DataBlock), as the storage's answer gives it: nothing of the block itself has come.
      const computed = openingsIn(asked[0]!).map(({ index, opening }) =>
        blockDigest(nodePrimitives, { dataset: terms.dataset, index }, opening),
      );
      assert.ok(!proxy.seen.some(({ path }) => path.includes('/blocks/')));
      // Table IV step 9: the BlockIDs to DISSC: records of the log that OCASC has from there.
      const { heads } = await stack.ledger.readHeads([terms.dataset], 'final');
      assert.ok(equalBytes(heads[0]!.root, log.log.root));
      const [wanted] = proxy.seen.filter(({ path }) => path.endsWith('/records'));
      const { size } = heads[0]!;
      assert.deepEqual(JSON.parse(Buffer.from(wanted!.body).toString()), { blocks: sampled, size });
      // Table IV step 10: Encrypted[Hash(DataBlock)] back.
      const records = decodeRecords(wanted!.answer!.body).batches.flatMap((batch) => batch.records);
      assert.deepEqual(
        records.map(({ index }) => index),
        sampled,
      );
      // Table IV step 11: opened with the keys that the owner has sent.
      const keys = await keysSent(stack, bought);
      const opened = records.map(({ index, record }) =>
        openDigest(nodePrimitives, record.sealed, record.commitment, keys.get(index)!.blockKey),
      );
      // Table IV step 12: compared.
      assert.deepEqual([opened, distrusted], [computed, []]);
      assert.deepEqual(kinds, Array(4).fill('intact'));
      assert.ok(verdicts.every(({ signer }) => signer !== null));
      assert.deepEqual([report.protocol, report.evidence, report.ok], ['III', evidence, true]);
      assert.deepEqual([report.checked, report.total], [4, BLOCKS]);
      await settle(bought);
    });
  }

  withstandStorage(() => scene);
  withstandOwner(() => scene);
  withstandParties(() => scene);
});
