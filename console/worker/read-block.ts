import { portablePrimitives } from '../../adapters/crypto/portable-primitives.ts';
import { readAnchor, updateOf } from '../../client/read-anchor.ts';
import { blockDigest, openBlock } from '../../core/block/digest.ts';
import { type BlockMeta, decodeMeta } from '../../core/block/meta.ts';
import { auditKey, blockKeys, commitKey, openDigest } from '../../core/block/seal.ts';
import { equalBytes, to0x } from '../../core/bytes.ts';
import { counted } from '../../core/counted.ts';
import { NotRecordedError, PlumblineError } from '../../core/errors.ts';
import { type AuditKey, datasetId } from '../../core/ids.ts';
import type { RetrievedBlock } from '../../core/protocols/owner-css-n.ts';
import { type ProvenRecord, proveRecords } from '../../core/protocols/prove-records.ts';
import { type BlockReport, type BlockStep, STATE } from '../engine/questions.ts';
import { stateOf } from '../engine/state-of-verdict.ts';
import type { Engine } from './open-engine.ts';
import type { ReaderKeys } from './reader-keys.ts';
import { sayPlainly } from './say-plainly.ts';

/** A step that broke ends the way to a verdict. */
class BrokenStep extends Error {
  readonly verdict: 'corrupted' | 'unavailable' | 'refused';

  constructor(verdict: 'corrupted' | 'unavailable' | 'refused') {
    super(verdict);
    this.verdict = verdict;
  }
}

/**
 * One block, step by step as in the paper's Tables II and III, with what stands on both sides of each: from the chain's head to
 * the bytes that the storage gives, hashed here. Ends at the first step that does not hold.
 */
export async function readBlock(
  engine: Engine,
  keys: ReaderKeys,
  { dataset: hex, index }: { readonly dataset: string; readonly index: number },
  signal: AbortSignal,
): Promise<BlockReport> {
  const dataset = datasetId(hex);
  const primitives = portablePrimitives;
  const log = await readAnchor(engine.ledger, dataset, 'final', engine.file.fromBlock, signal, engine.roundsOf(keys));
  if (index >= log.head.size) {
    throw new NotRecordedError(
      `The chain has ${counted(log.head.size, 'block')} of this dataset; block ${index} is not one of them.`,
    );
  }
  const steps: BlockStep[] = [];
  const step = (title: string, paper: string | null, values: BlockStep['values'], reason: string | null = null): void =>
    void steps.push({ title, paper, values, reason: reason === null ? null : sayPlainly(reason) });
  const update = updateOf(log, index);
  step('The chain has a head of this log', '1 to 7', {
    'chain block': log.anchor.point.blockNumber,
    blocks: log.head.size,
    root: to0x(log.head.root),
    'this block came with transaction': update?.txHash ?? null,
    'signed by device': log.signerOf(index),
  });
  const end = (verdict: BlockReport['verdict'], about: Partial<BlockReport> = {}): BlockReport => ({
    ...{ index, verdict, steps, reason: steps.findLast(({ reason }) => reason !== null)?.reason ?? null },
    ...{ name: null, capturedAtMs: null, sizeBytes: null, signer: log.signerOf(index), state: STATE.damaged },
    ...about,
  });

  const source = await engine.sourceOf(keys, dataset)(log, signal);
  const { proven, broken, faults } = await proveRecords(
    { hasher: primitives, records: source.records },
    log.heads,
    [index],
    signal,
  );
  const [record] = proven;
  if (record === undefined) {
    const fault = faults[0];
    const reason = broken[0]?.reason ?? fault?.reason ?? 'The storage returned no record of it.';
    step('The record of this block is in that log', '10 and 11', {}, reason);
    if (fault === undefined) return end('corrupted');
    const verdict = fault.kind === 'refused' ? 'refused' : 'unavailable';
    return end(verdict, { state: stateOf({ verdict, evidence: 'retrieved' }) });
  }
  step('The record of this block is in that log', '10 and 11', {
    'sealed digest': to0x(record.record.sealed),
    'commitment to its key': to0x(record.record.commitment),
    'batch of blocks': `${record.batch.first} to ${record.batch.first + record.batch.count - 1}`,
  });
  if (keys.reader.kind === 'nobody') {
    step('Opening it needs a key of the owner', '12', {}, null);
    return end('public', { state: STATE.unchecked });
  }
  try {
    const stored = await fetchStored(record, source.retrieveOne, step, signal);
    const opening = openBlock(primitives, stored.block, stored.meta);
    step('Hashed here, every byte of it', '9', {
      bytes: opening.size,
      sha256: to0x(opening.sha256),
      'root of its chunks': to0x(opening.chunkRoot),
      'hash of what it says about itself': to0x(opening.metaHash),
    });
    const key = auditKeyFor(keys, dataset)(record.batch.serial);
    const blockKey = blockKeys(primitives, key, record.batch.salt)(index);
    const committed = commitKey(primitives, blockKey);
    if (!equalBytes(committed, record.record.commitment)) {
      step(
        'The key opens the sealed digest',
        '12',
        { 'recorded commitment': to0x(record.record.commitment), 'of the key here': to0x(committed) },
        'The salt and serial that the storage names do not lead to the key that the record commits to.',
      );
      throw new BrokenStep('unavailable');
    }
    const recorded = openDigest(primitives, record.record.sealed, record.record.commitment, blockKey);
    step('The key opens the sealed digest', '12', {
      'commitment of the key here': to0x(committed),
      'digest that was recorded': to0x(recorded),
    });
    const computed = blockDigest(primitives, { dataset, index }, opening);
    const isSame = equalBytes(recorded, computed);
    step(
      'The recorded digest against that of the stored bytes',
      '13',
      { 'digest that was recorded': to0x(recorded), 'digest of the stored bytes': to0x(computed) },
      isSame ? null : 'The stored block does not hash to the recorded digest.',
    );
    if (!isSame) throw new BrokenStep('corrupted');
    const meta = metaOf(stored.meta);
    return end('intact', {
      ...{ name: meta?.name ?? null, capturedAtMs: meta?.at ?? null, sizeBytes: opening.size },
      state: STATE.retrieved,
    });
  } catch (cause) {
    if (!(cause instanceof BrokenStep)) throw cause;
    return end(cause.verdict, { state: stateOf({ verdict: cause.verdict, evidence: 'retrieved' }) });
  }
}

async function fetchStored(
  record: ProvenRecord,
  retrieve: (
    record: ProvenRecord,
    signal?: AbortSignal,
  ) => Promise<RetrievedBlock | { readonly kind: string; readonly reason: string }>,
  step: (title: string, paper: string | null, values: BlockStep['values'], reason?: string | null) => void,
  signal: AbortSignal,
): Promise<RetrievedBlock> {
  const title = 'The storage gives the bytes of this block';
  let stored: Awaited<ReturnType<typeof retrieve>>;
  try {
    stored = await retrieve(record, signal);
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof PlumblineError)) throw cause;
    step(title, '8', { block: record.index }, cause.shortMessage);
    throw new BrokenStep(cause.kind === 'refused' ? 'refused' : 'unavailable');
  }
  if ('kind' in stored) {
    step(title, '8', { block: record.index }, stored.reason);
    throw new BrokenStep(stored.kind === 'refused' ? 'refused' : 'unavailable');
  }
  step(title, '8', { block: record.index, bytes: stored.block.length });
  return stored;
}

function auditKeyFor(keys: ReaderKeys, dataset: ReturnType<typeof datasetId>): (serial: number) => AuditKey {
  if (keys.auditKeyOf !== null) return keys.auditKeyOf(dataset);
  const keyOf = keys.datasetKeyOf(dataset);
  return (serial) => auditKey(portablePrimitives, keyOf(serial));
}

function metaOf(bytes: Uint8Array): BlockMeta | null {
  try {
    return decodeMeta(bytes);
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    return null;
  }
}
