import { fallingClock } from '../../core/block/falling-clock.ts';
import { type BlockMeta, decodeMeta } from '../../core/block/meta.ts';
import { KeyError, PlumblineError } from '../../core/errors.ts';
import type { BlockIndex, DatasetId } from '../../core/ids.ts';
import { MAX_RECORD_BLOCKS } from '../../core/limits.ts';
import type { Anchor, Ledger } from '../../core/ports/ledger.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { verdictOn, verdictOnFault, verdictsOnMissing } from '../../core/protocols/judge-block.ts';
import { type OwnerCssN, openContent, type Retrieve, verifyRetrieved } from '../../core/protocols/owner-css-n.ts';
import type { DatasetKeyOf } from '../../core/protocols/owner-keys.ts';
import {
  type FoundRecords,
  faultOnRecorded,
  type ProvenRecord,
  proveRecords,
} from '../../core/protocols/prove-records.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { BlockRange } from '../disowned-blocks.ts';
import { type AnchoredHead, readAnchor, updateOf } from '../read-anchor.ts';
import type { BlockSource, OpenSource } from './block-source.ts';
import { findTimes, type TimedBlocks } from './find-times.ts';

export interface GetDeps {
  readonly primitives: Primitives;
  readonly ledger: Ledger;
  readonly openSource: OpenSource;
}

export interface GetRange {
  readonly dataset: DatasetId;
  readonly datasetKeyOf: DatasetKeyOf;
  readonly anchor: Anchor;
  /** By block numbers or by capture times in ms; both ends inclusive. */
  readonly by: 'block' | 'time';
  readonly from: number;
  readonly to: number;
  readonly fromBlock?: number;
}

/** One block of the answer, in log order: its content only when the verdict is intact. */
export interface GotBlock {
  readonly verdict: Verdict;
  /** The same holds of every block up to this one; mostly the block itself. */
  readonly upTo: BlockIndex;
  readonly meta: BlockMeta | null;
  readonly content: Uint8Array | null;
}

/** What is known before the first block comes. */
export interface GetPlan {
  readonly log: AnchoredHead;
  /** By time: which blocks those are, and what shows that there are no others. Null by number, where that is plain. */
  readonly times: readonly TimedBlocks[] | null;
}

/**
 * Retrieves a range of blocks, verifies each whole against DISSC and decrypts it. Nothing damaged is ever handed on: such a
 * block comes with its verdict and without content. Every block of the range that the chain has comes, whatever the storage
 * lists: completeness is measured by block numbers up to the chain's head.
 */
export async function* getRange(
  deps: GetDeps,
  range: GetRange,
  onPlan: (plan: GetPlan) => void = () => {},
  signal?: AbortSignal,
): AsyncGenerator<GotBlock> {
  const log = await readAnchor(deps.ledger, range.dataset, range.anchor, range.fromBlock ?? 0, signal);
  const source = await deps.openSource(log, signal);
  const reader = new RangeReader(deps.primitives, range, log, source, signal);
  const times = range.by === 'block' ? null : await reader.findTimes();
  onPlan({ log, times });
  const ranges = times ?? [{ from: range.from, to: Math.min(range.to, log.head.size - 1) }];
  for (const blocks of ranges) {
    for await (const got of reader.read(blocks)) if (isWanted(range, got)) yield got;
  }
}

/** As many blocks of a stretch that nobody shows are asked for before the rest of it is taken to be like them. */
const SPREAD = MAX_RECORD_BLOCKS;

class RangeReader {
  readonly #primitives: Primitives;
  readonly #range: GetRange;
  readonly #log: AnchoredHead;
  readonly #source: BlockSource;
  readonly #owner: OwnerCssN;
  readonly #signal: AbortSignal | undefined;

  constructor(
    primitives: Primitives,
    range: GetRange,
    log: AnchoredHead,
    source: BlockSource,
    signal: AbortSignal | undefined,
  ) {
    this.#primitives = primitives;
    this.#range = range;
    this.#log = log;
    this.#source = source;
    this.#owner = { primitives, dataset: range.dataset, datasetKeyOf: range.datasetKeyOf, signerOf: log.signerOf };
    this.#signal = signal;
  }

  async findTimes(): Promise<TimedBlocks[]> {
    const { from, to } = this.#range;
    const known = new Map<BlockIndex, number | null>();
    const capturedAt = async (index: BlockIndex): Promise<number | null> => {
      const at = known.get(index) ?? (await this.#capturedAt(index));
      known.set(index, at);
      return at;
    };
    return findTimes(this.#log, { from, to }, capturedAt, await this.#source.guessTimes(from, to));
  }

  async *read({ from, to }: BlockRange): AsyncGenerator<GotBlock> {
    let before: { readonly index: BlockIndex; readonly meta: BlockMeta } | null = null;
    for (let at = from; at <= to; ) {
      this.#signal?.throwIfAborted();
      const window = blocksBetween(at, Math.min(at + MAX_RECORD_BLOCKS, to + 1));
      const found = await this.#prove(window);
      for (const index of window) {
        const got = await this.#judge(index, found, this.#source.retrieve);
        const isNext = before !== null && before.index === index - 1;
        const judged =
          got.meta === null ? got : inOrder(got, isNext && before !== null ? before.meta : null, this.#owner);
        if (got.meta !== null) before = { index, meta: got.meta };
        yield judged;
      }
      at += window.length;
      const rest = found.proven.length === 0 ? await this.#lostRest(at, to) : null;
      if (rest !== null) {
        yield rest;
        at = rest.upTo + 1;
      }
    }
  }

  /**
   * Behind blocks that nobody shows, the rest of what was recorded with them: one verdict for all of it when none of many
   * blocks spread over it can be shown either. A head may claim 2^28 blocks that there never were.
   */
  async #lostRest(at: BlockIndex, to: BlockIndex): Promise<GotBlock | null> {
    const update = at > to ? null : updateOf(this.#log, at - 1);
    const upTo = Math.min(to, (update?.size ?? at) - 1);
    const count = upTo - at + 1;
    if (count <= SPREAD) return null;
    const spread = Array.from({ length: SPREAD }, (_, i) => at + Math.floor((i * (count - 1)) / (SPREAD - 1)));
    const found = await this.#prove([...new Set(spread)]);
    if (found.proven.length > 0 || found.faults.some(({ kind }) => kind === 'refused')) return null;
    const reason = `Nobody shows the records of blocks ${at} to ${upTo}: ${SPREAD} of them, spread evenly, were asked for.`;
    return { ...this.#without(at, 'unavailable', reason), upTo };
  }

  async #capturedAt(index: BlockIndex): Promise<number | null> {
    const { meta } = await this.#judge(index, await this.#prove([index]), this.#source.retrieveOne);
    return meta?.at ?? null;
  }

  #prove(blocks: readonly BlockIndex[]): Promise<FoundRecords> {
    const proof = { hasher: this.#primitives, records: this.#source.records };
    return proveRecords(proof, this.#log.heads, blocks, this.#signal);
  }

  async #judge(index: BlockIndex, found: FoundRecords, retrieve: Retrieve): Promise<GotBlock> {
    const record = found.proven.find((one) => one.index === index);
    if (record !== undefined) return this.#judgeStored(record, retrieve);
    const missing = {
      faults: found.faults.filter((fault) => fault.index === index),
      broken: found.broken.filter((broken) => broken.index === index),
    };
    const [verdict] = verdictsOnMissing('retrieved', missing, this.#log.signerOf);
    return verdict === undefined
      ? this.#without(index, 'unavailable', 'The storage gives no record.')
      : nothing(verdict);
  }

  async #judgeStored(record: ProvenRecord, retrieve: Retrieve): Promise<GotBlock> {
    const { index } = record;
    const signer = this.#log.signerOf(index);
    try {
      const stored = await retrieve(record, this.#signal);
      if ('kind' in stored) return nothing(verdictOnFault('retrieved', faultOnRecorded(stored), signer));
      const verdict = verifyRetrieved(this.#owner, record, stored);
      if (verdict.verdict !== 'intact') return nothing(verdict);
      return this.#open(record, verdict, stored.block, stored.meta);
    } catch (cause) {
      this.#signal?.throwIfAborted();
      if (!(cause instanceof PlumblineError)) throw cause;
      return this.#without(index, cause.kind === 'refused' ? 'refused' : 'unavailable', cause.shortMessage);
    }
  }

  #open(record: ProvenRecord, verdict: Verdict, block: Uint8Array, meta: Uint8Array): GotBlock {
    const trial = { record, evidence: 'retrieved' as const, signer: verdict.signer };
    try {
      const content = openContent(this.#owner, record, block);
      return { verdict, upTo: record.index, meta: decodeMeta(meta), content };
    } catch (cause) {
      if (!(cause instanceof PlumblineError)) throw cause;
      // The nonce is the storage's word; the key it leads to, once it fits the commitment, is the writer's.
      if (!(cause instanceof KeyError)) return nothing(verdictOn(trial, 'unavailable', cause.shortMessage));
      return nothing({ ...verdictOn(trial, 'misrecorded', cause.shortMessage), blame: 'writer' });
    }
  }

  #without(index: BlockIndex, verdict: 'unavailable' | 'refused', reason: string): GotBlock {
    return nothing(
      verdictOn({ record: { index }, evidence: 'retrieved', signer: this.#log.signerOf(index) }, verdict, reason),
    );
  }
}

/**
 * A capture time that falls within a stretch is the writer's fault, whatever else is right of the block
 * (specification#meta).
 */
function inOrder(got: GotBlock, before: BlockMeta | null, { signerOf }: OwnerCssN): GotBlock {
  if (got.meta === null || before === null || fallingClock(before, [got.meta]) === -1) return got;
  const { index } = got.verdict;
  const reason = `It says that it was captured at ${got.meta.at} ms, before the block in front of it (${before.at} ms).`;
  const trial = { record: { index }, evidence: 'retrieved' as const, signer: signerOf(index) };
  return nothing({ ...verdictOn(trial, 'misrecorded', reason), blame: 'writer' });
}

/**
 * By time, a verified block counts when it was captured in the range. A damaged one may have lost its time, so every
 * damaged block among those that may have been is named.
 */
function isWanted(range: GetRange, got: GotBlock): boolean {
  return range.by === 'block' || got.meta === null || (got.meta.at >= range.from && got.meta.at <= range.to);
}

function nothing(verdict: Verdict): GotBlock {
  return { verdict, upTo: verdict.index, meta: null, content: null };
}

function blocksBetween(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, number) => from + number);
}
