import { PlumblineError } from '../../core/errors.ts';
import { followRounds, type RoundsOnChain } from '../rounds/follow-rounds.ts';
import { planRound } from '../rounds/plan-round.ts';
import { type MovedHead, takeInHeads } from '../rounds/take-in-heads.ts';
import { type Era, eraOf } from '../rounds/thin-rounds.ts';
import type { Mark } from '../state/work-marks.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import { type Sender, type Sent, sendCall } from './send-call.ts';
import { findPlain, takeInPlain } from './take-in-marked.ts';

/** Where the rounds have come to; null when that cannot be told now: then no round is sent, and all else goes on. */
export async function readRounds(ports: AnchorPorts, signal?: AbortSignal): Promise<RoundsOnChain | null> {
  try {
    return await followRounds(ports, ports.recorder.account, ports.anchorSettings.fromBlock, signal);
  } catch (error) {
    noteFailure(ports, error, signal);
    return null;
  }
}

/** @returns false when another run has written the map meanwhile: begin again */
export async function takeInMoved(
  ports: AnchorPorts,
  moved: readonly MovedHead[],
  under: Under,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    return await takeInHeads(ports, ports.recorder.account, moved, eraUnder(ports, under), signal);
  } catch (error) {
    noteFailure(ports, error, signal);
    return true;
  }
}

/** @returns what is to be looked at; null when another run has written the map meanwhile: begin again */
export async function takeInMarkedHeads(
  ports: AnchorPorts,
  marks: readonly Mark[],
  under: Under,
  signal?: AbortSignal,
): Promise<readonly Mark[] | null> {
  const plain = await findPlain(ports, marks, signal);
  const isPlain = new Set(plain.map(({ mark }) => mark));
  const others = marks.filter((mark) => !isPlain.has(mark));
  try {
    const left = await takeInPlain(ports, plain, eraUnder(ports, under), signal);
    return left === null ? null : [...others, ...left];
  } catch (error) {
    noteFailure(ports, error, signal);
    return others;
  }
}

/** Sends the next round when one is due and none is under way. One transaction, however many datasets have moved. */
export async function sendDueRound(
  ports: AnchorPorts,
  sender: Sender,
  rounds: RoundsOnChain | null,
  signal?: AbortSignal,
): Promise<Sent> {
  if (rounds === null || !sender.mayAnchor) return 'sent';
  const { recorder, roundRecorder } = ports;
  try {
    const round = await planRound(ports, recorder.account, rounds, ports.settings().roundEveryMs, signal);
    if (round === null) return 'sent';
    if (round === 'unknown') {
      sender.mayAnchor = false;
      return 'sent';
    }
    // Null: the chain has gone another way since it was read. The next run sees where.
    const simulated = await roundRecorder.simulateRound(round, signal);
    if (simulated === null) return 'sent';
    const sent = await sendCall(ports, sender, { kind: 'round', round }, simulated.gas, signal);
    if (sent === 'sent') ports.observer.count('Anchor.rounds');
    return sent;
  } catch (error) {
    noteFailure(ports, error, signal);
    return 'sent';
  }
}

/** What is under way when heads are taken in. */
interface Under {
  readonly sender: Pick<Sender, 'waiting' | 'mayAnchor'>;
  readonly rounds: RoundsOnChain | null;
}

/** Where the rounds cannot be told, a map may be a part of any: its pages are kept. */
function eraUnder({ runtime }: AnchorPorts, { sender, rounds }: Under): Era {
  // What waits to be mined may be the next round, of the map as it was.
  const isUnderWay = sender.waiting > 0 || !sender.mayAnchor;
  if (rounds !== null) return eraOf(rounds, isUnderWay, runtime.nowMs());
  return { since: 1, until: LAST_ROUND, atMs: runtime.nowMs() };
}

const LAST_ROUND = 999_999_999_999;

/** A lost page, or a node that leaves a round out: what is recorded directly goes on. */
function noteFailure({ observer }: AnchorPorts, error: unknown, signal?: AbortSignal): void {
  signal?.throwIfAborted();
  if (!(error instanceof PlumblineError)) throw error;
  observer.error('no round is sent', { error, remedy: error.kind === 'state' ? 'plumb service rebuild' : 'none' });
  observer.count('Anchor.roundFailed');
}
