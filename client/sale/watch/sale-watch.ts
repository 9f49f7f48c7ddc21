import type { ErrorKind } from '../../../core/errors.ts';
import type { Address, AgreementId } from '../../../core/ids.ts';
import type { Runtime } from '../../../core/ports/runtime.ts';
import type { SaleEvent } from '../sale-event.ts';
import { type Alert, alertOf, foundAnswered, openedCause } from './alert-of.ts';

/** What a server of sales is doing, for whoever looks. */
export interface SaleHealth {
  /** `ok`; `trouble`: it works, and something does not; `stalled`: no round has ended for long. */
  readonly status: 'ok' | 'trouble' | 'stalled';
  readonly owner: Address;
  readonly agent: Address;
  readonly datasets: number;
  readonly openSales: number;
  /** Sales that had trouble in their last step. */
  readonly failingSales: number;
  readonly balanceWei: string | null;
  readonly lastRoundAtMs: number | null;
  readonly alertsPending: number;
}

/** What a round has come to. */
export interface SaleRound {
  readonly openSales: number;
  readonly failingSales: number;
  /** Who did not answer. */
  readonly silent: ReadonlySet<ErrorKind>;
}

export interface SaleWatchOptions {
  readonly runtime: Pick<Runtime, 'nowMs' | 'monotonicMs'>;
  readonly owner: Address;
  readonly agent: Address;
  readonly datasets: number;
  readonly pollMs: number;
  /** Below it the agent's account counts as low. */
  readonly lowBalanceWei: bigint;
  readonly raise: (alert: Alert) => void;
  readonly settle: (cause: string) => void;
  /** Whether somebody was told of a cause, or is going to be. */
  readonly isNoted: (cause: string) => boolean;
  readonly alerts: () => { readonly pending: number; readonly givenUp: number };
}

/** A round takes at most so long, however many sales there are; beyond it, something hangs. */
const STALLED_MS = 600_000;
/** Whoever does not answer for so long is told of. */
const SILENT_MS = 120_000;
const LOW_FUNDS = 'low-funds';

/**
 * Follows a server of sales: counts what happens, knows whether it is well, and raises what a person should know.
 *
 * @example
 * const account = `0x${'11'.repeat(20)}` as const;
 * const said: string[] = [];
 * const watch = new SaleWatch({
 *   ...{ runtime, owner: account, agent: account, datasets: 1, pollMs: 2_000, lowBalanceWei: 10n ** 16n },
 *   raise: ({ alert }) => said.push(alert),
 *   settle: () => {},
 *   isNoted: () => false,
 *   alerts: () => ({ pending: 0, givenUp: 0 }),
 * });
 * watch.noteBalance(1n);
 * watch.noteRound({ openSales: 1, failingSales: 0, silent: new Set() });
 * console.log(watch.health().openSales, said.join()); // 1 low-funds
 */
export class SaleWatch {
  readonly #options: SaleWatchOptions;
  readonly #counts = new Map<string, number>();
  readonly #silentSince = new Map<ErrorKind, number>();
  readonly #startedAtMs: number;
  #round: SaleRound = { openSales: 0, failingSales: 0, silent: new Set() };
  #lastRoundAtMs: number | null = null;
  #lastRound: number | null = null;
  #balanceWei: bigint | null = null;

  constructor(options: SaleWatchOptions) {
    this.#options = options;
    this.#startedAtMs = options.runtime.monotonicMs();
  }

  noteEvent(event: SaleEvent): void {
    this.#counts.set(event.event, (this.#counts.get(event.event) ?? 0) + 1);
    const alert = alertOf(event);
    if (alert !== null) this.#options.raise(alert);
    if (event.event === 'answers-found') this.#raiseAnswered(event.agreement, event.number);
  }

  /** Whoever was told that a question is open is told that it is answered, though it was while nobody was watching. */
  #raiseAnswered(agreement: AgreementId, last: number): void {
    const { isNoted, raise } = this.#options;
    for (let number = last; number > 0; number--) {
      const alert = foundAnswered(agreement, number);
      if (isNoted(alert.cause)) return;
      if (isNoted(openedCause(agreement, number))) raise(alert);
    }
  }

  noteBalance(balanceWei: bigint | null): void {
    const { lowBalanceWei, agent, raise, settle } = this.#options;
    if (balanceWei === null) return;
    this.#balanceWei = balanceWei;
    if (balanceWei >= lowBalanceWei) {
      settle(LOW_FUNDS);
      return;
    }
    const text = `The agent ${agent} has ${balanceWei} wei. Below ${lowBalanceWei} wei it may be unable to answer, which costs the bond. Send it ether.`;
    raise({ cause: LOW_FUNDS, alert: 'low-funds', severity: 'critical', agreement: null, text });
  }

  noteRound(round: SaleRound): void {
    const { runtime } = this.#options;
    this.#round = round;
    this.#lastRoundAtMs = Math.floor(runtime.nowMs());
    this.#lastRound = runtime.monotonicMs();
    this.#noteSilence('unavailable', 'storage-silent', 'The storage service does not answer');
    this.#noteSilence('chain', 'chain-silent', 'The chain, or its node, does not answer');
  }

  health(): SaleHealth {
    const { runtime, owner, agent, datasets, lowBalanceWei } = this.#options;
    const sinceMs = runtime.monotonicMs() - (this.#lastRound ?? this.#startedAtMs);
    const isLow = this.#balanceWei !== null && this.#balanceWei < lowBalanceWei;
    const { openSales, failingSales } = this.#round;
    const isTroubled = failingSales > 0 || isLow || this.#round.silent.size > 0;
    return {
      status: sinceMs > STALLED_MS ? 'stalled' : isTroubled ? 'trouble' : 'ok',
      ...{ owner, agent, datasets, openSales, failingSales },
      balanceWei: this.#balanceWei?.toString() ?? null,
      lastRoundAtMs: this.#lastRoundAtMs,
      alertsPending: this.#options.alerts().pending,
    };
  }

  /** In the text format of Prometheus. */
  metrics(): string {
    const { status, datasets, openSales, failingSales, balanceWei, lastRoundAtMs } = this.health();
    const { pending, givenUp } = this.#options.alerts();
    const lines = [
      ...gauge('plumb_owner_healthy', 'Whether the passes over all sales end in time.', status === 'stalled' ? 0 : 1),
      ...gauge('plumb_owner_datasets', 'Datasets whose keys the agent has.', datasets),
      ...gauge('plumb_owner_open_sales', 'Offers and agreements not settled yet.', openSales),
      ...gauge('plumb_owner_failing_sales', 'Offers and agreements whose last step failed.', failingSales),
      ...(balanceWei === null ? [] : gauge('plumb_owner_agent_balance_wei', "The agent's account.", balanceWei)),
      ...(lastRoundAtMs === null
        ? []
        : gauge(
            'plumb_owner_last_round_timestamp_seconds',
            'When the last pass over all sales ended.',
            lastRoundAtMs / 1000,
          )),
      ...gauge('plumb_owner_alerts_pending', 'Alerts not sent yet.', pending),
      ...counter('plumb_owner_alerts_given_up_total', 'Alerts that could not be sent since the start.', [
        ['', givenUp],
      ]),
      ...counter(
        'plumb_owner_events_total',
        'What has happened since the start.',
        [...this.#counts].sort().map(([event, count]) => [`{event="${event}"}`, count]),
      ),
    ];
    return `${lines.join('\n')}\n`;
  }

  #noteSilence(kind: ErrorKind, alert: Alert['alert'], what: string): void {
    const { runtime, raise, settle } = this.#options;
    const nowMs = runtime.monotonicMs();
    if (!this.#round.silent.has(kind)) {
      this.#silentSince.delete(kind);
      settle(alert);
      return;
    }
    const sinceMs = this.#silentSince.get(kind) ?? nowMs;
    this.#silentSince.set(kind, sinceMs);
    if (nowMs - sinceMs < SILENT_MS) return;
    const text = `${what} for ${Math.floor((nowMs - sinceMs) / 1000)} s. Until this changes, challenges may stay unanswered.`;
    raise({ cause: alert, alert, severity: 'critical', agreement: null, text });
  }
}

function gauge(name: string, help: string, value: number | string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`];
}

function counter(name: string, help: string, values: readonly (readonly [labels: string, value: number])[]): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} counter`,
    ...values.map(([labels, value]) => `${name}${labels} ${value}`),
  ];
}
