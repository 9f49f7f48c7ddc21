import { type ErrorKind, PlumblineError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import { findSales } from './find-sales.ts';
import type { SaleEvent } from './sale-event.ts';
import type { SaleParts } from './sale-parts.ts';
import { openAgreements } from './sale-rows.ts';
import { serveAgreement } from './serve-agreement.ts';
import type { SaleRound } from './watch/sale-watch.ts';

export interface ServeOptions {
  /** Between two looks at chain and mailboxes. */
  readonly pollMs: number;
  /** One step for every agreement, then end. */
  readonly once?: boolean;
  /** Told after every look at chain and mailboxes. */
  readonly onRound?: (round: SaleRound) => void;
}

const SIDE_BY_SIDE = 16;
/** A step that hangs in spite of all timeouts within it. */
const STEP_TIMEOUT_MS = 300_000;
const MAX_BACKOFF_MS = 30_000;
/** The same thing is said again after so long. */
const REPEAT_MS = 60_000;
const MAX_REMEMBERED = 10_000;

/**
 * Serves all sales of an owner until aborted: each agreement by itself, so that a bad one stops no other. What fails is tried
 * again, later and later, up to half a minute.
 * @returns how many agreements had trouble in their last step
 *
 * @example
 * const failing = await serveSales(saleParts, { pollMs: 1_000, once: true }, new AbortController().signal);
 * console.log(failing); // 0
 */
export async function serveSales(given: SaleParts, options: ServeOptions, signal: AbortSignal): Promise<number> {
  const { runtime } = given;
  const parts = { ...given, onEvent: sayOnce(runtime, given.onEvent) };
  const running = new Map<AgreementId, Promise<void>>();
  const failing = new Map<AgreementId, { failures: number; notBeforeMs: number; kind: ErrorKind | null }>();
  const step = async (id: AgreementId): Promise<void> => {
    try {
      await serveAgreement(parts, id, AbortSignal.any([signal, runtime.timeout(STEP_TIMEOUT_MS)]));
      failing.delete(id);
    } catch (cause) {
      if (signal.aborted) return;
      const failures = (failing.get(id)?.failures ?? 0) + 1;
      const pauseMs = Math.min(options.pollMs * 2 ** Math.min(failures - 1, 16), MAX_BACKOFF_MS);
      failing.set(id, { failures, notBeforeMs: runtime.monotonicMs() + pauseMs, kind: kindOf(cause) });
      parts.onEvent({ event: 'trouble', agreement: id, reason: reasonOf(cause) });
    } finally {
      running.delete(id);
    }
  };
  while (!signal.aborted) {
    let scanFailed = false;
    const silent = new Set<ErrorKind>();
    try {
      await findSales(parts, signal);
    } catch (cause) {
      if (signal.aborted) break;
      scanFailed = true;
      noteSilent(silent, kindOf(cause));
      parts.onEvent({ event: 'trouble', agreement: null, reason: reasonOf(cause) });
    }
    const nowMs = runtime.monotonicMs();
    const due = openAgreements(parts.state).filter((id) => (failing.get(id)?.notBeforeMs ?? 0) <= nowMs);
    for (const id of due) {
      if (running.has(id)) continue;
      if (running.size >= SIDE_BY_SIDE) await Promise.race(running.values());
      running.set(id, step(id));
    }
    if (options.once === true) await Promise.all(running.values());
    for (const { kind } of failing.values()) noteSilent(silent, kind);
    options.onRound?.({ openSales: openAgreements(parts.state).length, failingSales: failing.size, silent });
    if (options.once === true) {
      return failing.size + (scanFailed ? 1 : 0);
    }
    await runtime.sleep(options.pollMs, signal).catch(() => {});
  }
  await Promise.all(running.values());
  return failing.size;
}

function kindOf(cause: unknown): ErrorKind | null {
  return cause instanceof PlumblineError ? cause.kind : null;
}

/** Chain and storage are what may be silent; other kinds are somebody's to mend. */
function noteSilent(silent: Set<ErrorKind>, kind: ErrorKind | null): void {
  if (kind === 'unavailable' || kind === 'chain') silent.add(kind);
}

function reasonOf(cause: unknown): string {
  if (cause instanceof PlumblineError) return cause.shortMessage;
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
}

/** Keeps what is noticed at every step from being said at every step. */
function sayOnce(runtime: Runtime, say: (event: SaleEvent) => void): (event: SaleEvent) => void {
  const said = new Map<string, number>();
  const answered = new Map<AgreementId, number>();
  const forGood = new Set<SaleEvent['event']>(['accepted', 'archived', 'message-refused', 'settled']);
  return (event) => {
    if (event.event === 'answered' || event.event === 'answers-found') {
      const { agreement, number } = event;
      if (event.event === 'answers-found' && number <= (answered.get(agreement) ?? 0)) return;
      answered.set(agreement, number);
    }
    const { secondsLeft: _, ...rest } = { secondsLeft: 0, ...event };
    const key = JSON.stringify(rest);
    const before = said.get(key);
    const nowMs = runtime.monotonicMs();
    if (before !== undefined && (forGood.has(event.event) || nowMs - before < REPEAT_MS)) return;
    if (said.size >= MAX_REMEMBERED) said.clear();
    said.set(key, nowMs);
    say(event);
  };
}
