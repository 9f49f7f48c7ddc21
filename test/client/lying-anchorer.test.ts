import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { createSignatureFinder } from '../../adapters/ethereum/find-signature.ts';
import { openHeadMemory } from '../../adapters/sqlite/head-memory.ts';
import type { RoundSources } from '../../client/growth/round-standing.ts';
import { createRoundView } from '../../client/growth/round-view.ts';
import { checkToSign } from '../../client/owner/check-to-sign.ts';
import { readAnchor } from '../../client/read-anchor.ts';
import { NotRecordedError } from '../../core/errors.ts';
import { requireContradiction } from '../../core/evidence/contradiction.ts';
import { decodeContradiction, encodeContradiction } from '../../core/evidence/contradiction-file.ts';
import type { LogRoot } from '../../core/ids.ts';
import type { Head, SignedHead } from '../../core/log/head.ts';
import type { RecordCall } from '../../core/ports/ledger.ts';
import { createLogFixture, type LogFixture, recordCallOf, seal, type TestDataset } from '../functions/log-fixture.ts';
import { LyingAnchorer } from './lying-anchorer.ts';

describe('an anchorer that lies', () => {
  let fixture: LogFixture;
  let folder: string;
  before(async () => {
    fixture = await createLogFixture();
    folder = mkdtempSync(join(tmpdir(), 'plumbline-lies-'));
  });
  after(async () => {
    await fixture.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  let verifiers = 0;
  const openHome = () => join(folder, `heads-${++verifiers}.sqlite`);
  /** What a command reads rounds with. */
  const withSources = async <T>(
    anchorer: LyingAnchorer,
    path: string | null,
    act: (sources: RoundSources) => Promise<T>,
  ): Promise<T> => {
    const memory = path === null ? null : openHeadMemory(nodePrimitives, path);
    const hasher = nodePrimitives;
    const reader = anchorer.reader();
    const sources: RoundSources = {
      ...{ hasher, reader, memory, service: anchorer, chartersOf: () => [], isOneOperator: false },
      roundLimitMs: 3_600_000,
      view: createRoundView({ hasher, reader, fromBlock: 0, memory }),
      findSignature: createSignatureFinder(fixture.chain),
    };
    return act(sources).finally(() => memory?.close());
  };
  /** A verifier with a home of its own; without one it is a fresh one each time. */
  const verifier = (anchorer: LyingAnchorer, kept = true, home = openHome()) => {
    return (dataset: TestDataset, over: Partial<RoundSources> = {}) =>
      withSources(anchorer, kept ? home : null, (sources) =>
        readAnchor(fixture.ledger, dataset.id, 'final', 0, undefined, { ...sources, ...over }),
      );
  };
  /** The owner who is about to record the newest head of that home. */
  const mayRecord =
    (anchorer: LyingAnchorer, home: string) =>
    (newest: SignedHead | Head, mayBeShorter = false) =>
      withSources(anchorer, home, (sources) => checkToSign(sources, fixture.ledger, 0, { newest, mayBeShorter }));
  const record = async (call: RecordCall) => {
    const signer = createKeySigner((await fixture.newAccount()).key);
    const recorder = createDisscRecorder({ ...fixture.chain, signer });
    const { gas } = await recorder.simulate(call);
    await recorder.broadcast(await recorder.prepare(call, { nonce: 0, gas: 2n * gas }));
    await fixture.mine(3);
  };
  /** An anchorer whose first round has the first batch of a dataset. */
  const beginRounds = async () => {
    const anchorer = await LyingAnchorer.open(fixture);
    const dataset = fixture.openDataset({ anchorer: anchorer.account });
    const batches = [seal(dataset)];
    const taken = await anchorer.take(dataset, batches);
    await anchorer.anchor();
    return { anchorer, dataset, verify: verifier(anchorer), batches, taken };
  };
  /** A second device of the same key: the dataset as it is now, which grows by itself. */
  const twin = (dataset: TestDataset): TestDataset => ({ ...dataset });
  const kinds = ({ growth }: Pick<Awaited<ReturnType<typeof readAnchor>>, 'growth'>) =>
    growth.faults.map(({ kind }) => kind);

  it('is believed as long as every round extends the one before, and the path is not asked for twice', async () => {
    const { anchorer, dataset, verify, batches } = await beginRounds();
    const fresh = await verify(dataset);
    assert.deepEqual([fresh.head.size, fresh.standing?.round.number, fresh.growth.seen], [3, 1, null]);
    for (let i = 2; i <= 4; i++) {
      batches.push(seal(dataset, 2));
      await anchorer.take(dataset, batches);
      await anchorer.anchor();
      const asked = anchorer.asked.length;
      const grown = await verify(dataset);
      assert.deepEqual(
        [grown.head.size, grown.growth.seen?.round, kinds(grown), grown.growth.unknown],
        [2 * i + 1, i - 1, [], []],
      );
      // The first charter, and the path with the growth.
      assert.equal(anchorer.asked.length - asked, 2);
    }
  });

  it('names another number or history of its round than the chain gives: the round counts for nothing', async () => {
    const { anchorer, dataset, verify, batches } = await beginRounds();
    await verify(dataset);
    for (const lie of [{ number: 7 }, { history: new Uint8Array(32).fill(9) as LogRoot }]) {
      batches.push(seal(dataset));
      await anchorer.take(dataset, batches);
      await anchorer.anchor(lie);
      const seen = await verify(dataset);
      assert.deepEqual(kinds(seen), ['history']);
      assert.deepEqual(seen.growth.faults[0]?.fault, { party: 'anchorer', account: anchorer.account });
      assert.deepEqual([seen.head.size, seen.standing?.round.number, seen.standing?.isEarlier], [3, 1, true]);
      // A fresh verifier has nothing to fall back on.
      await assert.rejects(verifier(anchorer, false)(dataset), (error: unknown) => {
        return (
          error instanceof NotRecordedError &&
          /on the chain it is number 2|history that differs from the chain/.test(error.shortMessage)
        );
      });
    }
    await anchorer.anchor();
    assert.deepEqual(kinds(await verify(dataset)), [], 'a true one mends it');
  });

  it('puts an older head into a later round: seen by whoever saw the newer one, which counts on', async () => {
    const { anchorer, dataset, verify, batches, taken: old } = await beginRounds();
    batches.push(seal(dataset), seal(dataset));
    await anchorer.take(dataset, batches);
    await anchorer.anchor();
    assert.equal((await verify(dataset)).head.size, 9);
    await anchorer.put(dataset.id, old);
    await anchorer.anchor();
    const seen = await verify(dataset);
    assert.deepEqual(kinds(seen), ['went back']);
    assert.equal(seen.growth.faults[0]?.fault?.account, anchorer.account);
    assert.deepEqual([seen.head.size, seen.standing?.round.number], [9, 2]);
    // What the design says cannot be seen: without memory, the older head is the newest. The verdict says so.
    const fresh = await verifier(anchorer, false)(dataset);
    assert.deepEqual([fresh.head.size, kinds(fresh), fresh.growth.seen], [3, [], null]);
    // It is said until a round holds it all again.
    assert.deepEqual(kinds(await verify(dataset)), ['went back']);
    await anchorer.take(dataset, batches);
    await anchorer.anchor();
    assert.deepEqual([kinds(await verify(dataset)), (await verify(dataset)).growth.seen?.round], [[], 4]);
  });

  it('leaves a dataset out: seen by whoever saw it there', async () => {
    const anchorer = await LyingAnchorer.open(fixture);
    const [dataset, other] = [0, 1].map(() => fixture.openDataset({ anchorer: anchorer.account })) as [
      TestDataset,
      TestDataset,
    ];
    const verify = verifier(anchorer);
    for (const one of [dataset, other]) await anchorer.take(one, [seal(one)]);
    await anchorer.anchor();
    await verify(dataset);
    await anchorer.put(dataset.id, null);
    await anchorer.anchor();
    const seen = await verify(dataset);
    assert.deepEqual(kinds(seen), ['left out']);
    assert.match(seen.said ?? '', /Round 2 of its anchorer does not hold this dataset/);
    assert.deepEqual([seen.head.size, seen.standing?.round.number, seen.standing?.isEarlier], [3, 1, true]);
    assert.deepEqual(kinds(await verify(other)), []);
    // A fresh verifier is told that the round does not hold it: whether it ever did it cannot know.
    await assert.rejects(verifier(anchorer, false)(dataset), /Round 2 of its anchorer does not hold this dataset/);
  });

  it('shows one history to the owner and another to a fresh verifier: the owner has proof against whoever signed both', async () => {
    const anchorer = await LyingAnchorer.open(fixture);
    const dataset = fixture.openDataset({ anchorer: anchorer.account });
    const common = [seal(dataset)];
    const forked = twin(dataset);
    const [ours, theirs] = [
      [...common, seal(dataset)],
      [...common, seal(forked, 5, 1)],
    ];
    const owner = verifier(anchorer);
    await anchorer.take(dataset, ours);
    await anchorer.anchor();
    assert.equal((await owner(dataset)).head.size, 6);
    await anchorer.take(dataset, theirs);
    await anchorer.anchor();
    const fresh = await verifier(anchorer, false)(dataset);
    assert.deepEqual(
      [fresh.head.size, kinds(fresh), fresh.growth.seen],
      [8, [], null],
      'it cannot know, and says that it does not',
    );
    const seen = await owner(dataset);
    assert.deepEqual(kinds(seen), ['contested']);
    assert.deepEqual([seen.head.size, seen.standing?.round.number], [6, 1], 'what was seen first counts');
    const device = dataset.first.device;
    assert.deepEqual(seen.growth.faults[0]?.fault, { party: 'writer', account: device });
    const [file] = seen.growth.contradictions;
    assert.ok(file !== undefined);
    const read = decodeContradiction(encodeContradiction(file));
    assert.equal(requireContradiction(nodePrimitives, read.domain, read.contradiction).fault, device);
    assert.deepEqual(
      read.charters.map((charter) => charter.device),
      [device],
    );
    // Back to the first history: whoever looked at every other round alone sees nothing of it.
    await anchorer.take(dataset, ours);
    await anchorer.anchor();
    assert.deepEqual(kinds(await owner(dataset)), []);
  });

  it('anchors another log than DISSC has: the recorded one counts, and its signature is found in the transaction', async () => {
    const anchorer = await LyingAnchorer.open(fixture);
    const dataset = fixture.openDataset({ anchorer: anchorer.account });
    // Only its owner may send a charter that names an anchorer.
    await fixture.replaceDevice(dataset);
    const forked = twin(dataset);
    const onDissc = [seal(dataset)];
    await record({ ...recordCallOf(dataset, onDissc), charters: [] });
    await anchorer.take(dataset, [seal(forked, 5, 1)]);
    await anchorer.anchor();
    const seen = await verifier(anchorer)(dataset);
    assert.deepEqual([seen.head.size, seen.recordedSize, kinds(seen)], [3, 3, ['contested']]);
    const { contradiction } = seen.growth.contradictions[0] ?? {};
    assert.deepEqual([contradiction?.shorter.size, contradiction?.longer.size], [3, 5]);
    assert.equal(seen.growth.faults[0]?.fault?.account, dataset.charter.device);
  });

  it('goes back, or on with another history: the owner who has seen more puts no name to it', async () => {
    const anchorer = await LyingAnchorer.open(fixture);
    const dataset = fixture.openDataset({ anchorer: anchorer.account });
    const common = [seal(dataset)];
    const forked = twin(dataset);
    const ours = [...common, seal(dataset)];
    const theirs = [...common, seal(forked, 5, 1)];
    const [home, fresh] = [openHome(), openHome()];
    const [mayOwner, mayStranger] = [mayRecord(anchorer, home), mayRecord(anchorer, fresh)];
    const first = await anchorer.take(dataset, ours);
    await anchorer.anchor();
    await verifier(anchorer, true, home)(dataset);
    assert.deepEqual((await mayOwner(first)).refused, []);
    const empty = { dataset: dataset.id, size: 0, root: new Uint8Array(32) as LogRoot };
    assert.deepEqual((await mayOwner(empty, true)).refused, [], 'DISSC has less, and of the same log');

    // The storage shows an older head as the newest: nothing is recorded of it, however true it is.
    const back = await mayOwner(anchorer.show(dataset, common));
    assert.deepEqual(kinds(back), ['went back']);
    assert.match(back.refused.join(), /went back\. It now has 3 blocks; this home has seen 6 blocks in round 1 of 0x/);

    // Another history under the device's own signature, before any round has it, and then in one.
    const other = anchorer.show(dataset, theirs);
    for (const _ of ['shown', 'anchored']) {
      const contested = await mayOwner(other);
      assert.deepEqual(kinds(contested), ['contested']);
      assert.equal(contested.growth.faults[0]?.fault?.account, dataset.first.device);
      const [file] = contested.growth.contradictions;
      assert.equal(
        requireContradiction(nodePrimitives, fixture.ledger.domain, file?.contradiction as never).fault,
        dataset.first.device,
      );
      assert.ok(contested.refused.length > 0);
      await anchorer.take(dataset, theirs);
      await anchorer.anchor();
    }
    assert.deepEqual((await mayStranger(other)).refused, [], 'without memory it cannot be told');
    // What it does not show cannot be compared: refused as well.
    await anchorer.take(dataset, ours);
    await anchorer.anchor();
    const hidden = await mayOwner({ ...other, size: 7 });
    assert.match(hidden.refused.join(), /It is unknown whether/);

    // Left out of a round: to record it is the remedy.
    await anchorer.put(dataset.id, null);
    await anchorer.anchor();
    const leftOut = await mayOwner(anchorer.show(dataset, ours));
    assert.deepEqual([kinds(leftOut), leftOut.refused], [['left out'], []]);
  });

  it('is old, or the service is gone: what was seen earlier counts, and it is said', async () => {
    const { anchorer, dataset, verify, batches } = await beginRounds();
    await verify(dataset);
    anchorer.show(dataset, [...batches, seal(dataset)]);
    const late = await verify(dataset, { roundLimitMs: -1 });
    assert.deepEqual([late.standing?.late?.waitingBlocks, late.standing?.late?.limitMs], [3, -1]);
    const alone = await verify(dataset, { service: null, chartersOf: () => [dataset.first] });
    assert.deepEqual([alone.head.size, alone.standing?.isEarlier, kinds(alone)], [3, true, []]);
    assert.match(alone.said ?? '', /No service was asked/);
    assert.equal((await verify(dataset, { isOneOperator: true })).standing?.isOwnWord, true);
    assert.equal((await verify(dataset)).standing?.isOwnWord, false);
  });
});
