import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import type { WantedBlocks } from '../../client/evidence/choose-blocks.ts';
import { keysOfOwner } from '../../client/evidence/evidence-keys.ts';
import { type EvidenceDeps, makeEvidence } from '../../client/evidence/make-evidence.ts';
import { sourceOfService } from '../../client/owner/block-source.ts';
import type { CapturedBlock } from '../../core/batch/seal-batch.ts';
import { to0x } from '../../core/bytes.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import { checkData } from '../../core/evidence/check-data.ts';
import { encodeEvidence } from '../../core/evidence/encode-evidence.ts';
import type { EvidenceFile } from '../../core/evidence/evidence.ts';
import { parseEvidence } from '../../core/evidence/parse-evidence.ts';
import { verifyEvidence } from '../../core/evidence/verify-evidence.ts';
import { charterOf, datasetKeyOf, HonestStorage, ledgerOf, reading, sealLog, WRITER } from '../core/honest-storage.ts';

const T0 = 1_790_000_000_000;

/** Blocks 3 to 5 are `door.log`, which has three parts, and block 6 a later version of it. */
const capture = (index: number, sizeBytes: number): CapturedBlock => {
  const { content, meta } = reading(index, sizeBytes);
  const after = new Uint8Array(32).fill(1 + Math.floor(index / 3));
  if (index < 3 || index > 6) return { content, meta: { ...meta, after } };
  const parts = index === 6 ? { part: 0, parts: 1 } : { part: index - 3, parts: 3 };
  return { content, meta: { ...meta, after, name: 'door.log', ...parts } };
};

const SIZES = [
  [40, 40, 2500],
  [300, 301],
  [302, 20, 7],
  [1000, 7],
];

function depsOf(storage: HonestStorage, batches = storage.batches): EvidenceDeps {
  return {
    primitives,
    ledger: ledgerOf(primitives, batches),
    chainBlocks: {
      readBlocks: async (names) =>
        names.map((name) => {
          const blockNumber = typeof name === 'number' ? name : (name[0] as number) - 1;
          const hash = typeof name === 'number' ? new Uint8Array(32).fill(0xb0 + name) : name;
          return { blockNumber, blockHash: to0x(hash), timestampMs: T0 + 12_000 * blockNumber };
        }),
    },
    openSource: sourceOfService({ primitives, service: storage, download: storage.download }, WRITER.dataset),
    keys: keysOfOwner(primitives, datasetKeyOf),
    charters: [charterOf(0)],
    signCharter: null,
  };
}

describe('evidence is made', () => {
  const batches = sealLog(primitives, SIZES, WRITER, capture);
  const make = (
    blocks: WantedBlocks,
    storage = new HonestStorage(primitives, batches),
    show = { metas: true, content: true, bytes: true },
  ) => makeEvidence(depsOf(storage, batches), { dataset: WRITER.dataset, anchor: 'final', fromBlock: 0, blocks, show });
  const read = (evidence: EvidenceFile) => {
    const parsed = parseEvidence(encodeEvidence(evidence));
    const finding = verifyEvidence(primitives, parsed, { dissc: DISSC_ADDRESS });
    assert.equal(finding.reason, null);
    return { parsed, finding };
  };

  it('of blocks, under the first head that covers them', async () => {
    const { parsed, finding } = read(
      await make({
        by: 'block',
        blocks: [
          { from: 1, to: 2 },
          { from: 4, to: 4 },
        ],
      }),
    );
    assert.deepEqual(finding.blocks, [1, 2, 4]);
    assert.equal(parsed.head.size, 5);
    assert.equal(parsed.record?.blockNumber, 2);
    assert.deepEqual(finding.hashed, [1, 2, 4]);
  });

  it('of the newest version of a file, whose content it knows again', async () => {
    const storage = new HonestStorage(primitives, batches);
    const { finding } = read(await make({ by: 'file', name: 'door.log' }, storage));
    assert.deepEqual(finding.blocks, [6]);
    const whole = sealLog(primitives, SIZES.slice(0, 2).concat([[302]]), WRITER, capture);
    const evidence = await makeEvidence(depsOf(new HonestStorage(primitives, whole), whole), {
      ...{ dataset: WRITER.dataset, anchor: 'final', fromBlock: 0 },
      blocks: { by: 'file', name: 'door.log' },
      show: { metas: true, content: true, bytes: false },
    });
    const { parsed, finding: of } = read(evidence);
    assert.deepEqual(of.blocks, [3, 4, 5]);
    const content = Buffer.concat([3, 4, 5].map((index) => capture(index, SIZES.flat()[index] as number).content));
    const data = await checkData(primitives, parsed, of, content.length, async function* () {
      yield content;
    });
    assert.equal(data.is, 'intact');
  });

  it('says how far it is, looking for a file and opening its blocks, and ends where its caller ends it', async () => {
    const told: string[] = [];
    const interrupt = new AbortController();
    const wanted = {
      dataset: WRITER.dataset,
      anchor: 'final',
      fromBlock: 0,
      blocks: { by: 'file', name: 'f0' },
      show: { metas: true, content: true, bytes: false },
    } as const;
    const named = sealLog(primitives, SIZES, WRITER, (index, size) => {
      const { content, meta } = reading(index, size);
      return { content, meta: { ...meta, name: `f${index}` } };
    });
    const run = (stopAt: number | null) =>
      makeEvidence(
        depsOf(new HonestStorage(primitives, named), named),
        wanted,
        (done, all, doing) => {
          told.push(`${doing} ${done}/${all}`);
          if (done === stopAt) interrupt.abort();
        },
        interrupt.signal,
      );
    await run(null);
    assert.deepEqual(told.splice(0), ['search 2/10', 'search 5/10', 'search 7/10', 'open 1/1']);
    await assert.rejects(run(5), { name: 'AbortError' });
    assert.deepEqual(told, ['search 2/10', 'search 5/10']);
  });

  it('of a time, with the blocks at its ends', async () => {
    const { parsed, finding } = read(await make({ by: 'time', from: T0 + 2000, to: T0 + 4500 }));
    assert.deepEqual(finding.blocks, [2, 3, 4]);
    assert.deepEqual(
      parsed.blocks.map(({ index }) => index),
      [1, 2, 3, 4, 5],
    );
    const { parsed: end, finding: last } = read(await make({ by: 'time', from: T0 + 8000, to: T0 + 1e9 }));
    assert.deepEqual(last.blocks, [8, 9]);
    assert.equal(end.head.size, 10);
  });

  it('without names, times and content where they are withheld', async () => {
    const { parsed, finding } = read(
      await make({ by: 'block', blocks: [{ from: 0, to: 9 }] }, undefined, {
        metas: false,
        content: false,
        bytes: false,
      }),
    );
    assert.deepEqual(finding.metas, []);
    assert.ok(
      parsed.blocks.every(({ meta, contentKey, bytes }) => meta === null && contentKey === null && bytes === null),
    );
  });

  it('of more blocks than one request has, with one proof', async () => {
    const many = sealLog(
      primitives,
      [Array.from({ length: 700 }, () => 1), Array.from({ length: 700 }, () => 1)],
      WRITER,
      reading,
    );
    const evidence = await makeEvidence(depsOf(new HonestStorage(primitives, many), many), {
      ...{ dataset: WRITER.dataset, anchor: 'final', fromBlock: 0 },
      blocks: { by: 'block', blocks: [{ from: 3, to: 1300 }] },
      show: { metas: false, content: true, bytes: false },
    });
    const { finding } = read(evidence);
    assert.equal(finding.blocks.length, 1298);
    assert.equal(finding.notBefore, null);
  });

  it('not of what storage has damaged, hides or lists otherwise', async () => {
    const damaged = new HonestStorage(primitives, batches);
    damaged.flipBit(2);
    await assert.rejects(
      make({ by: 'block', blocks: [{ from: 2, to: 2 }] }, damaged),
      /bytes of block 2 are not the recorded ones/,
    );
    const gone = new HonestStorage(primitives, batches.slice(0, 2));
    await assert.rejects(
      make({ by: 'block', blocks: [{ from: 7, to: 7 }] }, gone),
      /cannot be proven|does not show the signature/,
    );
    await assert.rejects(make({ by: 'file', name: 'no.log' }), /This dataset has no file recorded as no.log/);
    await assert.rejects(make({ by: 'block', blocks: [{ from: 9, to: 10 }] }), /There is no block 10 yet/);
  });
});
