import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { ArgumentError, ProofError } from '../../core/errors.ts';
import { requireContradiction } from '../../core/evidence/contradiction.ts';
import { address, datasetId, type LogRoot, type PrivateKey } from '../../core/ids.ts';
import { buildGrowth } from '../../core/log/build-growth.ts';
import { findFork } from '../../core/log/find-fork.ts';
import { recoverHeadSigner, type SignedHead, signHead } from '../../core/log/head.ts';
import { relateHeads } from '../../core/log/relate-heads.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { withBitFlipped } from './draw.ts';
import { LazyTree } from './lazy-tree.ts';

const hasher = nodePrimitives;
const domain = { chainId: 31337, dissc: address(`0x${'d1'.repeat(20)}`) };
const dataset = datasetId(`0x${'ab'.repeat(32)}`);
const [first, second] = [3, 5].map((byte) => new Uint8Array(32).fill(byte) as PrivateKey) as [PrivateKey, PrivateKey];
const ours = new LazyTree([100, 5000]);
const theirs = new LazyTree([100, 5000, 1000], '');

const headOf = (tree: LazyTree, size: number, key: PrivateKey): SignedHead => {
  const head = { dataset, size, root: tree.hash(0, size) as LogRoot };
  return { ...head, serial: 1, signature: signHead(domain, head, key) };
};
const growthOf = (tree: LazyTree, from: number, to: number) => buildGrowth({ subtrees: tree.source }, from, to);

describe('two heads of one dataset', () => {
  it('extend each other below a fork and contradict each other above it', async () => {
    const growth = await growthOf(ours, 1000, 5001);
    assert.equal(relateHeads(hasher, headOf(theirs, 1000, first), headOf(ours, 5001, first), growth), 'extends');
    const above = await growthOf(ours, 1001, 5001);
    assert.equal(relateHeads(hasher, headOf(theirs, 1001, first), headOf(ours, 5001, first), above), 'contested');
    assert.equal(relateHeads(hasher, headOf(ours, 1001, first), headOf(ours, 5001, first), above), 'extends');
    assert.equal(relateHeads(hasher, headOf(ours, 9, first), headOf(theirs, 9, first), null), 'same');
    assert.equal(relateHeads(hasher, headOf(ours, 1001, first), headOf(theirs, 1001, first), null), 'contested');
  });

  it('a growth that leads elsewhere proves nothing', async () => {
    const growth = await growthOf(ours, 1001, 5001);
    const [shorter, longer] = [headOf(theirs, 1001, first), headOf(ours, 5001, first)];
    const bent = { ...growth, peaks: growth.peaks.map((peak) => withBitFlipped(peak, 3)) };
    assert.throws(() => relateHeads(hasher, shorter, longer, bent), ProofError);
    assert.throws(() => relateHeads(hasher, shorter, headOf(theirs, 5001, first), growth), ProofError);
    assert.throws(() => relateHeads(hasher, shorter, longer, null), ProofError);
    assert.throws(() => relateHeads(hasher, shorter, shorter, growth), ProofError);
    assert.throws(() => relateHeads(hasher, longer, shorter, growth), ArgumentError);
    assert.throws(() => relateHeads(hasher, { ...shorter, size: 1002 }, longer, growth), ProofError);
  });

  it('the first block of which two logs say different things is found in a few questions', async () => {
    let asked = 0;
    const counted = (tree: LazyTree) => async (subtrees: Parameters<LazyTree['source']>[0]) => {
      asked += subtrees.length;
      return tree.source(subtrees);
    };
    for (const place of [0, 1, 999, 1000, 4095, 4096, 4999]) {
      const other = new LazyTree([100, 5000, place, 4999], 'other');
      const same = new LazyTree([100, 5000, 4999], 'other');
      assert.equal(await findFork(counted(other), counted(same), 5000), place === 4999 ? null : place);
    }
    assert.ok(asked < 7 * 2 * 40, `${asked} roots were asked for`);
    assert.equal(await findFork(ours.source, theirs.source, 1000), null);
    assert.equal(await findFork(ours.source, theirs.source, 1001), 1000);
    assert.equal(await findFork(ours.source, theirs.source, 0), null);
    const liar = async (subtrees: Parameters<LazyTree['source']>[0]) =>
      (await ours.source(subtrees)).map((hash, i) => (subtrees[i]?.level === 10 ? withBitFlipped(hash, 0) : hash));
    await assert.rejects(findFork(liar, ours.source, 1024), ArgumentError);
  });

  it('a contradiction proves the fault of an account that signed both, and of nobody between two devices', async () => {
    const growth = await growthOf(ours, 1001, 5001);
    const proof = { shorter: headOf(theirs, 1001, first), longer: headOf(ours, 5001, first), growth };
    const account = accountOfKey(first);
    assert.deepEqual(requireContradiction(hasher, domain, proof), {
      shorterSigner: account,
      longerSigner: account,
      fault: account,
    });
    const between = requireContradiction(hasher, domain, { ...proof, longer: headOf(ours, 5001, second) });
    assert.equal(between.fault, null);
    assert.equal(between.longerSigner, accountOfKey(second));
    const below = { ...proof, shorter: headOf(ours, 1001, first) };
    assert.throws(() => requireContradiction(hasher, domain, below), /extends the one of 1001/);
    const foreign = { ...proof, shorter: { ...proof.shorter, dataset: datasetId(`0x${'cd'.repeat(32)}`) } };
    assert.throws(() => requireContradiction(hasher, domain, foreign), ProofError);
    const unsigned = { ...proof, longer: { ...proof.longer, signature: new Uint8Array(65) } };
    assert.throws(() => requireContradiction(hasher, domain, unsigned), ProofError);
  });

  it('a head of no block is not signed, and none beyond 2^48', () => {
    const empty = { dataset, size: 0, root: new Uint8Array(32) as LogRoot };
    assert.throws(() => signHead(domain, empty, first), ArgumentError);
    assert.throws(() => signHead(domain, { ...empty, size: 2 ** 48 + 1 }, first), ArgumentError);
    const head = headOf(ours, 5, first);
    assert.equal(recoverHeadSigner(domain, head, head.signature), accountOfKey(first));
    assert.notEqual(recoverHeadSigner({ ...domain, chainId: 1 }, head, head.signature), accountOfKey(first));
  });
});
