import { equalBytes } from '../../core/bytes.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import { type CharterHistory, charterInForce, chartersBySerial } from '../../core/charter/charters-in-force.ts';
import { blocksToExtend } from '../../core/charter/disowned.ts';
import { counted } from '../../core/counted.ts';
import { ProofError } from '../../core/errors.ts';
import type { ContradictionFile } from '../../core/evidence/contradiction-file.ts';
import type { Address, RoundRoot } from '../../core/ids.ts';
import { MAX_GROWTH_BLOCKS } from '../../core/limits.ts';
import { type Growth, growPeaks } from '../../core/log/growth.ts';
import type { Head } from '../../core/log/head.ts';
import { EMPTY_ROOT, rootOfPeaks } from '../../core/log/peaks.ts';
import type { SeenHeads, SeenRound } from '../../core/ports/head-memory.ts';
import type { Ledger, RecordedEvent } from '../../core/ports/ledger.ts';
import type { DatasetAnchor } from '../../core/ports/service.ts';
import { compareHeads, type HeadsCompared } from './compare-heads.ts';
import { compareRecorded, OTHER_CHAIN } from './compare-recorded.ts';
import type { GrowthFault } from './growth-report.ts';
import { type HeldHead, keptHead } from './held-head.ts';
import { type PlacedHead, proveContradiction } from './prove-contradiction.ts';
import type { ReadRound, RoundQuestion, RoundSources, RoundStanding } from './round-standing.ts';

export interface GrowthCheckParts extends RoundSources {
  readonly ledger: Pick<Ledger, 'domain'>;
  readonly charters: CharterHistory;
  /** Charters under their owner's signature. */
  readonly signed: readonly SignedCharter[];
  readonly asked: RoundQuestion;
  readonly seen: SeenHeads | null;
}

/**
 * Compares what DISSC and the newest round have of one dataset with each other and with what was seen earlier: every head must
 * lie in one log that only grows. Gathers what is wrong, and whose fault it is where that is proven.
 */
export class GrowthCheck {
  readonly #parts: GrowthCheckParts;
  readonly #faults: GrowthFault[] = [];
  readonly #unknown: string[] = [];
  readonly #contradictions: ContradictionFile[] = [];
  #newest: { readonly shown: DatasetAnchor; readonly root: RoundRoot } | null = null;
  /** True where the node has not come to what was seen. */
  readonly #isBehind: boolean;
  /** False where the newest round's head could not be compared with what was seen, or with DISSC's. */
  #isCompared = true;

  constructor(parts: GrowthCheckParts) {
    const { asked, seen } = parts;
    const { blockNumber } = asked.point;
    const seenAt = Math.max(seen?.round?.blockNumber ?? 0, seen?.recorded?.blockNumber ?? 0);
    this.#isBehind = seen !== null && blockNumber < seenAt;
    this.#parts = this.#isBehind ? { ...parts, seen: null } : parts;
    if (this.#isBehind) {
      this.#unknown.push(
        `This home has seen heads at chain block ${seenAt}, but the node is only at ${blockNumber}, so they were not compared. Wait for the node, or ask another.`,
      );
    }
  }

  /** DISSC's own head never goes back. Where it has, the chain is another, or its node lies. */
  compareRecorded(): void {
    const { asked, seen } = this.#parts;
    const fault = compareRecorded(seen?.recorded ?? null, asked);
    if (fault !== null) this.#faults.push(fault);
  }

  noteForgotten(anchorer: Address): void {
    const reason = `The chain no longer has a final round of ${anchorer} that this home has seen. ${OTHER_CHAIN}`;
    this.#faults.push({ kind: 'chain went back', reason, fault: null });
  }

  /** What the service shows of the newest round. */
  noteNewest(shown: DatasetAnchor, root: RoundRoot): void {
    this.#newest = { shown, root };
  }

  noteHistory(anchorer: Address, reason: string): void {
    this.#faults.push({ kind: 'history', reason, fault: { party: 'anchorer', account: anchorer } });
  }

  /** A dataset once in an anchorer's round stays in every later one. */
  noteLeftOut(anchorer: Address, number: number): void {
    const before = this.#parts.seen?.round ?? null;
    if (before === null || before.anchorer !== anchorer) return;
    const reason = `Round ${number} of ${anchorer} leaves out this dataset, although its earlier round ${before.shown.number} held ${counted(before.shown.head.size, 'block')} of it.`;
    this.#faults.push({ kind: 'left out', reason, fault: { party: 'anchorer', account: anchorer } });
  }

  /**
   * All that follows: `held` is the head in the newest round, null where that holds none that counts, and `said` why.
   * @throws LedgerUnavailableError as `proveContradiction`
   */
  async end(
    held: HeldHead | null,
    shown: DatasetAnchor | null,
    said: string | null,
    signal?: AbortSignal,
  ): Promise<ReadRound> {
    const { seen, charters, memory, recordedOnly } = this.#parts;
    const before = recordedOnly === true ? null : (seen?.round ?? null);
    const fresh = held === null || before === null ? held : await this.#compareRounds(before, held, signal);
    const used = fresh ?? (before === null ? null : await keptHead(this.#keptParts(), before, signal));
    const peaks = used === null ? null : await this.#peaksOf(used, signal);
    return {
      charters,
      standing: used === null ? null : this.#standingOf(used, used !== held, shown),
      said,
      event: used === null ? null : await this.#eventOf(used, peaks, signal),
      growth: {
        seen: this.#seenText(),
        problems: memory?.problems ?? [],
        faults: this.#faults,
        contradictions: this.#contradictions,
        unknown: this.#unknown,
      },
      remember: this.#remember(used, peaks),
    };
  }

  /** The head that counts of two rounds: the newer one's, unless it takes back what was seen. */
  async #compareRounds(before: SeenRound, held: HeldHead, signal?: AbortSignal): Promise<HeldHead | null> {
    const { charters } = this.#parts;
    const old = before.shown.head;
    const place = { blockNumber: before.blockNumber, logIndex: 0, signer: before.signer };
    const extend = blocksToExtend(charters, { ...place, size: old.size, isRecorded: false });
    if (extend < old.size) return held;
    const compared = await this.#compare(old, held.head, held.root, signal);
    const isSame = before.anchorer === held.anchorer;
    const fault = isSame ? ({ party: 'anchorer', account: held.anchorer } as const) : null;
    const numbers = `round ${held.shown.number} of ${held.anchorer} holds ${counted(held.head.size, 'block')} of this dataset, while its earlier round ${before.shown.number} held ${old.size}`;
    if (compared.relation === 'contested') return null;
    if (held.head.size < old.size) {
      this.#faults.push({ kind: 'went back', reason: `The head went back: ${numbers}.`, fault });
      return null;
    }
    if (compared.relation === 'unknown') {
      this.#isCompared = false;
      this.#unknown.push(`It is unknown whether these are one log (${numbers}), because ${compared.why}.`);
      return held;
    }
    const rounds = Math.max(1, held.shown.number - before.shown.number);
    if (isSame && held.head.size - old.size > rounds * MAX_GROWTH_BLOCKS) {
      const reason = `The log grew too far: ${numbers}. Two rounds differ by at most 2^28 blocks.`;
      this.#faults.push({ kind: 'grew too far', reason, fault });
    }
    return held;
  }

  /** The peaks of its log, as a growth that leads there shows them; null where none is shown. */
  async #peaksOf(used: HeldHead, signal?: AbortSignal): Promise<readonly Uint8Array[] | null> {
    const { hasher, seen, service } = this.#parts;
    const { head } = used;
    const before = seen?.round ?? null;
    if (before !== null && equalBytes(before.shown.head.root, head.root)) return before.peaks;
    const empty = { ...head, size: 0, root: EMPTY_ROOT };
    const steps = this.#newest?.shown.growth ?? [];
    const step = steps.find(({ to }) => to === head.size) ?? null;
    const parts = { hasher, service, dataset: head.dataset, round: used.root };
    const compared = step === null ? await compareHeads(parts, empty, head, signal) : null;
    const growth = step ?? (compared?.relation === 'extends' ? compared.growth : null);
    return growth === null ? null : peaksAfter(hasher, growth, head);
  }

  /** The head as if DISSC had logged it, where it goes further than what is recorded and extends that. */
  async #eventOf(
    used: HeldHead,
    peaks: readonly Uint8Array[] | null,
    signal?: AbortSignal,
  ): Promise<RecordedEvent | null> {
    const { recorded } = this.#parts.asked;
    const { head, signer, blockNumber, shown } = used;
    const { dataset, size, root } = head;
    const place = { signer, blockNumber, logIndex: 0, txHash: shown.txHash };
    // All logs begin with nothing, and what comes then are the peaks.
    if (recorded.size === 0 && peaks !== null) return { dataset, size, root, appended: peaks, ...place };
    const compared =
      recorded.size === 0
        ? ({ relation: 'unknown', why: 'the service does not show how the log grew' } as const)
        : await this.#compare(recorded, head, used.root, signal);
    if (compared.relation === 'unknown') {
      this.#isCompared = false;
      const { number } = shown;
      this.#unknown.push(
        `It is unknown whether the ${counted(size, 'block')} in round ${number} and the ${recorded.size} on DISSC are one log, because ${compared.why}.`,
      );
    }
    if (compared.relation !== 'extends' || compared.growth === null || size <= recorded.size) return null;
    return { dataset, size, root, appended: compared.growth.appended, ...place };
  }

  /** Compares, and keeps what a contradiction proves. */
  async #compare(one: Head, other: Head, round: RoundRoot, signal?: AbortSignal): Promise<HeadsCompared> {
    const { hasher, service, asked, ledger, charters, signed, findSignature } = this.#parts;
    const { dataset } = asked.recorded;
    const compared = await compareHeads({ hasher, service, dataset, round }, one, other, signal);
    if (compared.relation !== 'contested') return compared;
    const devices = chartersBySerial(charters).map(({ device }) => device);
    const parts = { hasher, domain: ledger.domain, devices, charters: signed, findSignature };
    const placed = { ...parts, signed: this.#signedHeads(), recorded: asked.updates?.at(-1) ?? null };
    const { fault, file } = await proveContradiction(placed, compared, signal);
    if (!this.#faults.some(({ reason }) => reason === fault.reason)) this.#faults.push(fault);
    if (file !== null) this.#contradictions.push(file);
    return compared;
  }

  #signedHeads(): PlacedHead[] {
    const { seen } = this.#parts;
    const placed: PlacedHead[] = [];
    const round = (number: number, size: number, text: string) => `${counted(size, 'block')} in round ${number}${text}`;
    if (seen?.round != null) {
      const { shown, anchorer, blockNumber } = seen.round;
      const { number, head } = shown;
      placed.push({ head, place: round(number, head.size, ` of ${anchorer}, chain block ${blockNumber}`) });
    }
    const newest = this.#newest?.shown;
    if (newest?.round?.head != null) {
      const { number, head, txHash } = newest.round;
      placed.push({ head, place: round(number, head.size, `, transaction ${txHash}`) });
    }
    if (newest?.head != null) {
      placed.push({
        head: newest.head,
        place: `${counted(newest.head.size, 'block')}, which the service shows as the newest`,
      });
    }
    return placed;
  }

  #keptParts() {
    const { hasher, view, ledger, charters } = this.#parts;
    return { hasher, view, domain: ledger.domain, charters };
  }

  #standingOf(used: HeldHead, isEarlier: boolean, shown: DatasetAnchor | null): RoundStanding {
    const { asked, charters, isOneOperator, roundLimitMs } = this.#parts;
    const inForce = charterInForce(charters, asked.point.blockNumber);
    const newestSeconds = Math.max(shown?.round?.timeSeconds ?? 0, used.timeSeconds);
    const ageMs = Math.max(0, asked.point.timestampMs - newestSeconds * 1000);
    const waitingBlocks = Math.max(0, (shown?.head?.size ?? 0) - used.head.size);
    const { anchorer, timeSeconds, blockNumber } = used;
    return {
      ...{ anchorer, round: { number: used.shown.number, timeSeconds, blockNumber }, size: used.head.size, isEarlier },
      isOwnWord: isOneOperator || anchorer === inForce?.owner || anchorer === inForce?.device,
      late: ageMs > roundLimitMs ? { ageMs, limitMs: roundLimitMs, waitingBlocks } : null,
    };
  }

  #seenText(): ReadRound['growth']['seen'] {
    const { round = null, recorded = null } = this.#parts.seen ?? {};
    if (round !== null && round.shown.head.size >= (recorded?.size ?? 0)) {
      const { shown, blockNumber } = round;
      return { size: shown.head.size, round: shown.number, blockNumber };
    }
    return recorded === null ? null : { size: recorded.size, round: null, blockNumber: recorded.blockNumber };
  }

  /** Only what is final, was compared, and contradicts nothing that was seen: else what was seen before stays. */
  #remember(used: HeldHead | null, peaks: readonly Uint8Array[] | null): SeenHeads | null {
    const { asked, memory, seen } = this.#parts;
    const isWrong = this.#faults.some(({ kind }) => !KEEPS_MEMORY.includes(kind));
    if (memory === null || asked.anchor !== 'final' || isWrong || this.#isBehind) return null;
    const { size, root } = asked.recorded;
    const isNew = used !== null && peaks !== null && this.#isCompared;
    return {
      round: isNew ? { ...seenOf(used), peaks } : (seen?.round ?? null),
      recorded: size === 0 ? null : { size, root, blockNumber: asked.point.blockNumber },
    };
  }
}

/** With these the earlier head counts, and is kept as it is. */
const KEEPS_MEMORY: readonly GrowthFault['kind'][] = ['left out', 'went back'];

function seenOf({ anchorer, root, shown, signer, blockNumber }: HeldHead): Omit<SeenRound, 'peaks'> {
  return { anchorer, root, shown, signer, blockNumber };
}

/** Null where the growth does not lead to the head. */
function peaksAfter(
  hasher: RoundSources['hasher'],
  { from, to, peaks, appended }: Growth,
  head: Head,
): readonly Uint8Array[] | null {
  try {
    const grown = growPeaks(hasher, { size: from, peaks }, to, appended);
    return equalBytes(rootOfPeaks(hasher, grown), head.root) ? grown.peaks : null;
  } catch (error) {
    if (error instanceof ProofError) return null;
    throw error;
  }
}
