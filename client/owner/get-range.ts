import { fallingClock } from '../../core/block/falling-clock.ts';
import type { BlockMeta } from '../../core/block/meta.ts';
import type { BlockIndex, DatasetId } from '../../core/ids.ts';
import { MAX_RECORD_BLOCKS } from '../../core/limits.ts';
import type { Anchor, Ledger } from '../../core/ports/ledger.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { verdictOn, verdictsOnMissing } from '../../core/protocols/judge-block.ts';
import type { Retrieve } from '../../core/protocols/owner-css-n.ts';
import type { DatasetKeyOf } from '../../core/protocols/owner-keys.ts';
import { type FoundRecords, proveRecords } from '../../core/protocols/prove-records.ts';
import type { BlockRange } from '../disowned-blocks.ts';
import type { RoundSources } from '../growth/round-standing.ts';
import { type AnchoredHead, readAnchor, updateOf } from '../read-anchor.ts';
import type { BlockSource, OpenSource } from './block-source.ts';
import { findTimes, type TimedBlocks } from './find-times.ts';
import { type GotBlock, type Judging, judgeStored, nothing, type ReadKept } from './judge-stored.ts';

export interface GetDeps {
  readonly primitives: Primitives;
  readonly ledger: Ledger;
  readonly openSource: OpenSource;
  /** What an earlier run has restored: asked before the storage, and trusted as little. */
  readonly readKept?: ReadKept;
  /** Where to read rounds; without it, only what DISSC has recorded counts. */
  readonly rounds?: RoundSources;
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

/** What is known before the first block comes. */
export interface GetPlan {
  readonly log: AnchoredHead;
  /** For a time range: which blocks it has, and what shows that there are no others. Null for a range of numbers. */
  readonly times: readonly TimedBlocks[] | null;
}

/**
 * Retrieves a range of blocks, verifies each completely against DISSC, and decrypts it. A damaged block comes with its verdict
 * and without content. Every block of the range that the chain has comes, whatever the storage lists, because completeness
 * counts block numbers up to the chain's head.
 * or storage do not answer
 * @throws NotRecordedError when nothing is recorded or anchored; LedgerUnavailableError, StoreUnavailableError when chain
 * or storage do not answer
 *
 * @example
 * const range = { dataset, datasetKeyOf, anchor: 'final', by: 'block', from: 1, to: 1 } as const;
 * for await (const { verdict, content } of getRange({ primitives, ledger, openSource, rounds }, range)) {
 *   console.log(verdict.index, verdict.verdict); // 1 intact
 *   await writeFile(`${folder}/block-1`, content);
 * }
 */
export async function* getRange(
  deps: GetDeps,
  range: GetRange,
  onPlan: (plan: GetPlan) => void = () => {},
  signal?: AbortSignal,
): AsyncGenerator<GotBlock> {
  const log = await readAnchor(deps.ledger, range.dataset, range.anchor, range.fromBlock ?? 0, signal, deps.rounds);
  const source = await deps.openSource(log, signal);
  const reader = new RangeReader(deps, range, log, source, signal);
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
  readonly #judging: Judging;
  /** For blocks that are looked at for their times alone: of damaged ones nothing more is fetched. */
  readonly #searching: Judging;
  readonly #range: GetRange;
  readonly #log: AnchoredHead;
  readonly #source: BlockSource;
  readonly #signal: AbortSignal | undefined;

  constructor(
    { primitives, readKept = async () => null }: GetDeps,
    range: GetRange,
    log: AnchoredHead,
    source: BlockSource,
    signal: AbortSignal | undefined,
  ) {
    const { dataset, datasetKeyOf } = range;
    const owner = { primitives, dataset, datasetKeyOf, signerOf: log.signerOf };
    this.#judging = { owner, source, readKept };
    this.#searching = { ...this.#judging, source: { readListed: async () => null } };
    this.#range = range;
    this.#log = log;
    this.#source = source;
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
          got.meta === null ? got : inOrder(got, isNext && before !== null ? before.meta : null, this.#log);
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
    const reason = `The storage shows no records of blocks ${at} to ${upTo}; ${SPREAD} of them, spread evenly, were asked for.`;
    return { ...this.#without(at, 'unavailable', reason), upTo };
  }

  async #capturedAt(index: BlockIndex): Promise<number | null> {
    const { meta } = await this.#judge(index, await this.#prove([index]), this.#source.retrieveOne, this.#searching);
    return meta?.at ?? null;
  }

  #prove(blocks: readonly BlockIndex[]): Promise<FoundRecords> {
    const proof = { hasher: this.#judging.owner.primitives, records: this.#source.records };
    return proveRecords(proof, this.#log.heads, blocks, this.#signal);
  }

  async #judge(index: BlockIndex, found: FoundRecords, retrieve: Retrieve, judging = this.#judging): Promise<GotBlock> {
    const record = found.proven.find((one) => one.index === index);
    if (record !== undefined) return judgeStored(judging, record, retrieve, this.#signal);
    const missing = {
      faults: found.faults.filter((fault) => fault.index === index),
      broken: found.broken.filter((broken) => broken.index === index),
    };
    const [verdict] = verdictsOnMissing('retrieved', missing, this.#log.signerOf);
    return verdict === undefined
      ? this.#without(index, 'unavailable', 'The storage returned no record.')
      : nothing(verdict, null);
  }

  #without(index: BlockIndex, verdict: 'unavailable', reason: string): GotBlock {
    return nothing(
      verdictOn({ record: { index }, evidence: 'retrieved', signer: this.#log.signerOf(index) }, verdict, reason),
      null,
    );
  }
}

/**
 * A capture time that falls within a stretch is the writer's fault, whatever else is right of the block
 * (specification#meta).
 */
function inOrder(got: GotBlock, before: BlockMeta | null, { signerOf }: AnchoredHead): GotBlock {
  if (got.meta === null || before === null || fallingClock(before, [got.meta]) === -1) return got;
  const { index } = got.verdict;
  const reason = `Its capture time, ${got.meta.at} ms, is before that of the previous block (${before.at} ms).`;
  const trial = { record: { index }, evidence: 'retrieved' as const, signer: signerOf(index) };
  return nothing({ ...verdictOn(trial, 'misrecorded', reason), blame: 'writer' }, got.meta);
}

/**
 * By time, a verified block counts when it was captured in the range. A damaged one whose recorded time cannot be shown any
 * more may have been: it is named.
 */
function isWanted(range: GetRange, got: GotBlock): boolean {
  const at = got.meta?.at ?? (got.verdict.verdict === 'misrecorded' ? undefined : got.about?.at);
  return range.by === 'block' || at === undefined || (at >= range.from && at <= range.to);
}

function blocksBetween(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, number) => from + number);
}
