import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives as hasher } from '../../adapters/crypto/node-primitives.ts';
import { ProofError } from '../../core/errors.ts';
import { multiproof } from '../../core/log/multiproof.ts';
import { appendLeaves, EMPTY_PEAKS, rootOfPeaks } from '../../core/log/peaks.ts';
import { type BlockRecord, parseRecord, recordBytes, recordHash } from '../../core/log/record.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import { requireRecords } from '../../core/log/verify-records.ts';
import { draws, withBitFlipped } from './draw.ts';

describe('records shown of a log', () => {
  const draw = draws('records');
  const records = Array.from({ length: 900 }, (_, i): BlockRecord => {
    const bytes = new Uint8Array(96);
    for (let at = 0; at < 96; at += 32) bytes.set(hasher.sha256(Uint8Array.of(at, i >> 8, i & 255)), at);
    return parseRecord(bytes);
  });
  const leaves = records.map((record) => recordHash(hasher, record));
  const log = { size: 900, root: rootOfPeaks(hasher, appendLeaves(hasher, EMPTY_PEAKS, leaves)) };
  const show = (indices: readonly number[]) =>
    indices.map((index) => ({ index, record: records[index] as BlockRecord }));
  const prove = (indices: readonly number[]) =>
    multiproof({ hasher, subtrees: subtreesOfLeaves(hasher, leaves) }, indices, 900);

  it('are proven by one proof, up to 512 wherever they are', async () => {
    for (const count of [1, 2, 60, 512]) {
      const indices = [...new Set(Array.from({ length: count }, () => draw(900)))];
      requireRecords(hasher, log, show(indices), await prove(indices));
      requireRecords(hasher, log, show([...indices].reverse()), await prove(indices));
    }
  });

  it('are refused when one of them is another, in any of its 96 bytes', async () => {
    const indices = [0, 7, 500, 899];
    const proof = await prove(indices);
    for (let at = 0; at < 96; at++) {
      const changed = parseRecord(withBitFlipped(recordBytes(records[7] as BlockRecord), 8 * at + (at % 8)));
      const shown = show(indices).map((one) => (one.index === 7 ? { ...one, record: changed } : one));
      assert.throws(() => requireRecords(hasher, log, shown, proof), ProofError);
    }
  });

  it('are refused at another place, twice, beyond the log, or none at all', async () => {
    const indices = [0, 7, 500, 899];
    const proof = await prove(indices);
    const refused = (shown: ReturnType<typeof show>, nodes = proof, of = log): void =>
      assert.throws(() => requireRecords(hasher, of, shown, nodes), ProofError);
    const [first, ...rest] = show(indices) as [ReturnType<typeof show>[number], ...ReturnType<typeof show>];
    for (const index of [1, 7, 900, -1, 0.5, Number.NaN]) refused([{ ...first, index }, ...rest]);
    refused(show([...indices, 7]));
    refused(show([0, 7, 500]));
    refused([]);
    refused(show(indices), proof.slice(1));
    refused(show(indices), [...proof, leaves[0] as Uint8Array]);
    refused(show(indices), proof, { ...log, size: 901 });
    refused(show([0]), [], { ...log, size: 0 });
  });
});
