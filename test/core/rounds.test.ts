import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { nodePrimitives as hasher } from '../../adapters/crypto/node-primitives.ts';
import { concatBytes, toHex, u8, u64 } from '../../core/bytes.ts';
import { ArgumentError, ChainAnswerError, ProofError } from '../../core/errors.ts';
import { address, datasetId, type LogRoot, type PrivateKey, type RoundRoot } from '../../core/ids.ts';
import { buildGrowth } from '../../core/log/build-growth.ts';
import { requireGrowth } from '../../core/log/growth.ts';
import { type SignedHead, signHead } from '../../core/log/head.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import { compareRounds } from '../../core/rounds/compare-rounds.ts';
import { buildNextRound, type LastRound, proveRound, requireInHistory, roundHash } from '../../core/rounds/history.ts';
import { EMPTY_MAP, leafOfHead } from '../../core/rounds/map-leaf.ts';
import { proveInMap } from '../../core/rounds/prove-in-map.ts';
import { rebuildRounds, requireTrueFront } from '../../core/rounds/rebuild-rounds.ts';
import { type RoundFront, roundBody, roundRoot } from '../../core/rounds/round.ts';
import { updateMap } from '../../core/rounds/update-map.ts';
import { headInRound, type ShownRound, signerInRound } from '../../core/rounds/verify-round.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { withBitFlipped } from './draw.ts';
import { LazyTree } from './lazy-tree.ts';
import { MemoryPages } from './memory-pages.ts';
import { NaiveTree } from './naive-tree.ts';

const domain = { chainId: 31337, dissc: address(`0x${'d1'.repeat(20)}`) };
const key = new Uint8Array(32).fill(7) as PrivateKey;
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const dataset = datasetId(toHex(sha256(u8(1))));
const stranger = datasetId(toHex(sha256(u8(2))));
const tree = new LazyTree([5, 500, 5000]);
const headAt = (size: number): SignedHead => {
  const head = { dataset, size, root: tree.hash(0, size) as LogRoot };
  return { ...head, serial: 1_790_000_000, signature: signHead(domain, head, key) };
};

interface Made extends RoundFront {
  readonly root: RoundRoot;
  readonly shown: ShownRound;
}

/** Rounds of one anchorer, each with a later head of one dataset; DISSC's part by the words of the design. */
async function makeRounds(count: number): Promise<Made[]> {
  const pages = new MemoryPages();
  const made: Made[] = [];
  let map = EMPTY_MAP;
  let last: LastRound | null = null;
  for (let number = 1; number <= count; number++) {
    const leaf = leafOfHead(hasher, headAt(number * 10));
    ({ map } = await updateMap(hasher, pages, map, [{ dataset, leaf }]));
    const next = buildNextRound(hasher, last, map);
    const timeSeconds = 1_790_000_000 + number;
    const root = sha256(concatBytes(u8(5), u64(timeSeconds), next.previous, next.body)) as RoundRoot;
    const front = { number: next.number, timeSeconds, previous: next.previous, history: next.history };
    made.push({ ...front, root, shown: { ...front, proof: await proveInMap(hasher, pages, map, dataset) } });
    last = { number, root, history: next.historyPeaks };
  }
  return made;
}

describe('rounds of an anchorer', () => {
  it('hold the rounds before them, by the words of the design', async () => {
    const made = await makeRounds(70);
    const naive = new NaiveTree(made.map(({ root }) => root));
    for (const [i, round] of made.entries()) {
      assert.equal(round.number, i + 1);
      assert.deepEqual(round.previous, i === 0 ? new Uint8Array(32) : made[i - 1]?.root);
      assert.deepEqual(round.history, i === 0 ? new Uint8Array(32) : naive.hash(0, i));
    }
  });

  it('are proven by the newest, each of them, and no other is', async () => {
    const made = await makeRounds(33);
    const leaves = made.map(({ root }) => roundHash(hasher, root));
    const log = { hasher, subtrees: subtreesOfLeaves(hasher, leaves) };
    const newest = made.at(-1) as Made;
    for (const older of made.slice(0, -1)) {
      const path = await proveRound(log, older.number, newest.number);
      requireInHistory(hasher, newest, older, path);
      const other = { ...older, root: withBitFlipped(older.root, older.number) as RoundRoot };
      assert.throws(() => requireInHistory(hasher, newest, other, path), ProofError);
      assert.throws(() => requireInHistory(hasher, newest, older, path.slice(1)), ProofError);
      assert.throws(() => requireInHistory(hasher, newest, older, [...path, older.root]), ProofError);
      if (older.number > 1) {
        const moved = { ...older, number: older.number - 1 };
        assert.throws(() => requireInHistory(hasher, newest, moved, path), ProofError);
      }
    }
    assert.throws(() => requireInHistory(hasher, newest, newest, []), ArgumentError);
    await assert.rejects(proveRound(log, 0, 5), ArgumentError);
    await assert.rejects(proveRound(log, 5, 5), ArgumentError);
    const growth = await buildGrowth(log, 11, 32);
    const historyOf = ({ number, history }: Made) => ({ size: number - 1, root: history });
    requireGrowth(hasher, historyOf(made[11] as Made), historyOf(newest), growth);
  });

  it('say which head they hold, and nothing that is shown differently leads to them', async () => {
    const made = await makeRounds(9);
    const { root, shown } = made[8] as Made;
    const leaf = headInRound(hasher, root, dataset, shown);
    assert.deepEqual(leaf, leafOfHead(hasher, headAt(90)));
    assert.ok(leaf !== null);
    const differently: Partial<ShownRound>[] = [
      { number: 8 },
      { timeSeconds: shown.timeSeconds + 1 },
      { previous: made[6]?.root as RoundRoot },
      { history: made[7]?.history as LogRoot },
      { proof: made[7]?.shown.proof as ShownRound['proof'] },
      { proof: { path: [], end: null } },
    ];
    for (const change of differently) {
      assert.throws(() => headInRound(hasher, root, dataset, { ...shown, ...change }), ProofError);
    }
    assert.throws(() => headInRound(hasher, made[7]?.root as RoundRoot, dataset, shown), ProofError);
    assert.equal(headInRound(hasher, root, stranger, shown), null);
    assert.equal(signerInRound(hasher, domain, leaf, headAt(90)), accountOfKey(key));
    for (const head of [headAt(80), { ...headAt(90), serial: 2 }, { ...headAt(90), signature: headAt(80).signature }]) {
      assert.throws(() => signerInRound(hasher, domain, leaf, head), ProofError);
    }
  });

  it('are numbered by the chain’s events alone, whatever their bodies claim', async () => {
    const made = await makeRounds(20);
    const events = made.map(({ root, previous }) => ({ round: root, previous }));
    const known = [...rebuildRounds(hasher, events)];
    for (const [i, one] of known.entries()) {
      const round = made[i] as Made;
      assert.deepEqual([one.number, one.root, one.historyRoot], [round.number, round.root, round.history]);
      requireTrueFront(one, round);
      assert.throws(() => requireTrueFront(one, { ...round, number: round.number + 1 }), ProofError);
      const history = withBitFlipped(round.history, i) as LogRoot;
      assert.throws(() => requireTrueFront(one, { ...round, history }), ProofError);
    }
    assert.deepEqual([...rebuildRounds(hasher, events.slice(8), known[7])], known.slice(8));
    const next = buildNextRound(hasher, known.at(-1) as LastRound, EMPTY_MAP);
    assert.equal(next.number, 21);
    for (const wrong of [events.slice(1), events.toSpliced(5, 1), [...events].reverse(), [events[0]!, ...events]]) {
      assert.throws(() => [...rebuildRounds(hasher, wrong)], ChainAnswerError);
    }
    assert.deepEqual([...rebuildRounds(hasher, [])], []);
  });

  it('have bodies and roots of the right bytes, numbered from 1', () => {
    const [history, map] = [sha256(u8(3)) as LogRoot, sha256(u8(4))];
    const body = roundBody(hasher, 2, history, map as never);
    assert.deepEqual(body, sha256(concatBytes(u8(6), u64(2), history, map)));
    const previous = sha256(u8(5)) as RoundRoot;
    assert.deepEqual(roundRoot(hasher, 77, previous, body), sha256(concatBytes(u8(5), u64(77), previous, body)));
    assert.throws(() => roundBody(hasher, 0, history, map as never), ArgumentError);
    const wrong: LastRound = { number: 5, root: previous, history: { size: 3, peaks: [previous, previous] } };
    assert.throws(() => buildNextRound(hasher, wrong, EMPTY_MAP), ArgumentError);
  });
});

describe('a dataset from one round to the next', () => {
  const leafAt = (size: number, of: LazyTree = tree) => ({
    ...leafOfHead(hasher, headAt(5)),
    size,
    root: of.hash(0, size) as LogRoot,
  });
  const growthOf = (of: LazyTree, from: number, to: number) => buildGrowth({ subtrees: of.source }, from, to);
  const other = new LazyTree([5, 300, 5000]);

  it('extends, or somebody is at fault', async () => {
    const step = compareRounds.bind(null, hasher);
    assert.equal(step(null, null, null), 'absent');
    assert.equal(step(null, leafAt(9), null), 'first');
    assert.equal(step(leafAt(9), null, null), 'left out');
    assert.equal(step(leafAt(9), leafAt(9), null), 'same');
    assert.equal(step(leafAt(400), leafAt(400, other), null), 'contested');
    assert.equal(step(leafAt(9), leafAt(400), await growthOf(tree, 9, 400)), 'extends');
    assert.equal(step(leafAt(301, other), leafAt(400), await growthOf(tree, 301, 400)), 'contested');
    assert.equal(step(leafAt(400), leafAt(9), await growthOf(tree, 9, 400)), 'went back');
    assert.equal(step(leafAt(400), leafAt(301, other), await growthOf(tree, 301, 400)), 'contested');
    const far = 9 + 2 ** 28;
    assert.equal(step(leafAt(9), leafAt(far), await growthOf(tree, 9, far)), 'extends');
    assert.equal(step(leafAt(9), leafAt(far + 1), await growthOf(tree, 9, far + 1)), 'grew too far');
    assert.throws(() => step(leafAt(9), leafAt(400), null), ProofError);
    assert.throws(() => step(null, leafAt(400), null as never) && step(null, leafAt(4), {} as never), ProofError);
    const lie = await growthOf(other, 9, 400);
    assert.throws(() => step(leafAt(9), leafAt(400), lie), ProofError);
  });
});
