import type { SignedCharter } from '../../core/charter/charter.ts';
import { RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { DatasetAnchor } from '../../core/ports/service.ts';
import type { ChainView } from '../log/chain-view.ts';
import { isOurs } from '../log/is-ours.ts';
import { batchesIn, hasBatchIn, waitingSince } from '../outbox/batch-rows.ts';
import { noteStep } from '../outbox/note-step.ts';
import { countUnpublished } from '../outbox/to-publish.ts';
import { createEarlyLooks } from '../record/early-looks.ts';
import { createCharterFollower } from '../record/follow-charter.ts';
import { followHeads, noteAnchored, noteFinal } from '../record/follow-heads.ts';
import { createRoundFollower, type RoundFollower } from '../record/follow-round.ts';
import type { DeviceRun } from './device-run.ts';

/** An idle device looks at the chain this much more rarely, */
const IDLE_FACTOR = 15;
/** but not more rarely than this, if it does so at all. */
const IDLE_MOST_MS = 900_000;
/** Behind this, a first round is late: finality takes a quarter of an hour. */
const FIRST_ROUND_MS = 30 * 60_000;
/** The service is asked no more rarely than this while something is not final. */
const ASK_MOST_MS = 60_000;

/** Rounds, where the dataset stands in them. */
interface Rounds {
  readonly follower: RoundFollower;
  readonly anchorer: Address;
}

/**
 * The step that finds out what of the log is recorded or anchored, and what is final. The service is asked, first soon and then once a
 * minute at most, what has become final; only where that is more than is known here does the chain confirm it, by one request,
 * and nothing is believed before it has. What the service does not tell, whole looks at the chain find, which are rare: every
 * `followEveryMs`, of what DISSC alone records and of what this device records by itself sooner at the beginning. Where the service
 * shows a later charter that the chain has, its anchorer is followed from then on.
 */
export function createFollowStep(run: DeviceRun): (signal: AbortSignal) => Promise<number> {
  const { primitives, rounds: reader, service, writer, account, runtime, record } = run.parts;
  const { followEveryMs, askEveryMs, earlyEveryMs } = run.options;
  const { dataset, domain } = writer;
  const charters = createCharterFollower(run.parts);
  const openRounds = (): Rounds | null => {
    const anchorer = charters.anchorer();
    if (anchorer === null || reader === undefined) return null;
    return {
      anchorer,
      follower: createRoundFollower({ primitives, reader, service, domain, dataset, anchorer, account }),
    };
  };
  let rounds = openRounds();
  const early = createEarlyLooks(runtime, earlyEveryMs);
  const mostMs = record === 'direct' ? Math.min(followEveryMs, ASK_MOST_MS) : followEveryMs;
  const sooner = createEarlyLooks(runtime, mostMs);
  /** Until then no look at the chain comes sooner than it has to. */
  let spentUntilMs = Number.NEGATIVE_INFINITY;
  let isWaiting = false;
  let asked = 0;
  let nextAskMs = 0;
  let lookedMs = Number.NEGATIVE_INFINITY;

  /** Twice as long after each question, from the first on for which anything waits. */
  const pauseMs = (mostMs: number): number => Math.min(mostMs, askEveryMs * 2 ** Math.min(asked, 30));
  const lookInMs = (): number => {
    if (!isWaiting) return Math.min(followEveryMs * IDLE_FACTOR, Math.max(followEveryMs, IDLE_MOST_MS));
    return rounds === null && spentUntilMs <= runtime.monotonicMs() ? pauseMs(mostMs) : mostMs;
  };

  return async (signal) => {
    const nowMs = runtime.monotonicMs();
    noteWaiting(isAnyWaiting(run));
    if (lookedMs + lookInMs() <= nowMs && lookedMs + mostMs > nowMs && !sooner.take()) spentUntilMs = lookedMs + mostMs;
    if (lookedMs + lookInMs() <= nowMs) {
      const view = await run.chain.view(Math.min(followEveryMs, lookInMs()), signal);
      // First: of a former anchorer's rounds the service may show nothing any more.
      const shown = charters.isBehind(view.device) ? await askService(run, signal) : null;
      if (shown !== null && charters.isNews(shown.charter)) await followCharter(shown.charter, signal);
      await takeInView(run, rounds, view, signal);
      lookedMs = nowMs;
      asked++;
    } else if (isWaiting && nextAskMs <= nowMs) {
      const shown = run.parts.finality === undefined ? null : await askService(run, signal);
      if (shown !== null) {
        // A charter that the chain does not have yet costs no more requests than rounds that it does not have.
        if (charters.isNews(shown.charter) && early.take()) await followCharter(shown.charter, signal);
        await confirm(run, rounds, early, shown, signal);
        noteAnchorer(run, rounds, shown);
      }
      asked++;
    }
    noteWaiting(isAnyWaiting(run));
    wakeOthers(run);
    if (nextAskMs <= nowMs) nextAskMs = nowMs + pauseMs(Math.min(ASK_MOST_MS, followEveryMs));
    const inMs = lookedMs + lookInMs() - runtime.monotonicMs();
    return Math.max(0, isWaiting ? Math.min(inMs, nextAskMs - runtime.monotonicMs()) : inMs);
  };

  async function followCharter(charter: SignedCharter, signal: AbortSignal): Promise<void> {
    if (!(await charters.accept(charter, signal))) return;
    rounds = openRounds();
    run.parts.report({ event: 'anchorer', anchorer: charters.anchorer(), serial: charter.serial });
  }

  function noteWaiting(waits: boolean): void {
    if (waits && !isWaiting) {
      asked = 0;
      nextAskMs = runtime.monotonicMs() + pauseMs(Math.min(ASK_MOST_MS, followEveryMs));
    }
    isWaiting = waits;
  }
}

function isAnyWaiting({ parts: { outbox } }: DeviceRun): boolean {
  return hasBatchIn(outbox, 'stored', 'recorded');
}

async function takeInView(run: DeviceRun, rounds: Rounds | null, view: ChainView, signal: AbortSignal): Promise<void> {
  const { outbox, report, clock } = run.parts;
  const parts = { outbox, report, nowMs: clock.nowMs(), view, followRound: rounds?.follower.follow };
  const { ahead } = await followHeads(parts, signal);
  // One that is under way will see it.
  if (!ahead || run.comparison.isUnderWay()) return;
  run.comparison.expire();
  run.wake('compare');
}

/** Has the chain confirm what the service says is final, where that is news. */
async function confirm(
  run: DeviceRun,
  rounds: Rounds | null,
  early: { take(): boolean },
  shown: DatasetAnchor,
  signal: AbortSignal,
): Promise<void> {
  const { finality, outbox, report, clock, writer } = run.parts;
  if (finality === undefined) return;
  const told = rounds === null ? shown.final : shown.round?.head;
  // Without a batch of ours below it, it is no news.
  if (told == null || !hasWaitingBelow(run, told.size) || !isOurs(outbox, told) || !early.take()) return;
  const to = { outbox, report, nowMs: clock.nowMs() };
  if (rounds === null) {
    noteFinal(to, await finality.readFinalHead(writer.dataset, signal));
    return;
  }
  const root = await finality.readFinalRound(rounds.anchorer, signal);
  const anchored = await rounds.follower.accept(root, shown.round, signal);
  if (anchored !== null) noteAnchored(to, anchored);
}

/**
 * A service keeps the rounds of its own anchorer alone: where the charter names another, nothing of it comes from there, however
 * long one waits. A first round takes as long as the chain's finality.
 */
function noteAnchorer({ parts }: DeviceRun, rounds: Rounds | null, shown: DatasetAnchor): void {
  const { runtime, outbox } = parts;
  const waitedMs = runtime.nowMs() - (waitingSince(outbox, 'stored') ?? runtime.nowMs());
  if (rounds === null || shown.round !== null || waitedMs <= FIRST_ROUND_MS) {
    noteStep(parts, 'anchorer', null);
    return;
  }
  const reason =
    `The charter names the anchorer ${rounds.anchorer}, and the service shows no final round of that account. If another service ` +
    'anchors for it, have the device ask that one. If this one shall, the owner says so: plumb dataset anchor NAME.';
  noteStep(parts, 'anchorer', { reason, failures: 1, kind: 'state' });
}

/** Null where the service does not answer: the uploads say so, and the whole looks go on without it. */
async function askService({ parts }: DeviceRun, signal: AbortSignal): Promise<DatasetAnchor | null> {
  const { service, writer } = parts;
  try {
    return await service.getAnchor(writer.dataset, {}, signal);
  } catch (error) {
    if (error instanceof StoreUnavailableError || error instanceof RequestRefusedError) return null;
    throw error;
  }
}

function hasWaitingBelow({ parts: { outbox } }: DeviceRun, size: number): boolean {
  return (['stored', 'recorded'] as const).some((state) =>
    batchesIn(outbox, state, 1).some(({ first, blocks }) => first + blocks <= size),
  );
}

/** By what is there, not by what has just moved: a disk that failed in between may have kept that from being told. */
function wakeOthers(run: DeviceRun): void {
  const { outbox } = run.parts;
  if (hasBatchIn(outbox, 'final')) run.wake('check');
  if (countUnpublished(outbox) > 0) run.wake('publish');
  // Adopted, or back from a reorganisation: nobody else tells.
  if (hasBatchIn(outbox, 'stored')) run.wake('record');
}
