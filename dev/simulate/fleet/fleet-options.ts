import { LATENCIES, type Latencies } from './latencies.ts';

/** From one minute to another, from the beginning. */
export interface Span {
  readonly fromMinute: number;
  readonly untilMinute: number;
}

export interface FleetOptions {
  readonly devices: number;
  readonly minutes: number;
  readonly seed: number;
  /** Nothing of `outageOf` answers meanwhile. */
  readonly outage: Span | null;
  readonly outageOf: 'chain' | 'service';
  /** The base fee is `factor` times as high meanwhile. */
  readonly spike: (Span & { readonly factor: number }) | null;
  /** Owners that the devices belong to, in turn. */
  readonly owners: number;
  /** Machines of ingest-segment, and invocations of all functions together. */
  readonly ingestAtOnce: number;
  readonly accountAtOnce: number;
  readonly roundEveryMs: number;
  readonly blockMs: number;
  /** Blocks until one is final: 65 of 12 s are 13 minutes. */
  readonly finalDepth: number;
  /** Batches of each device that are stored before the time begins, whose events all come at once. */
  readonly burst: number;
  /** Minutes at most until all is final, after the devices have stopped. */
  readonly settleMinutes: number;
  readonly latencies: Latencies;
}

export const FLEET_DEFAULTS: FleetOptions = {
  ...{ devices: 100, minutes: 60, seed: 1, outage: null, outageOf: 'chain', spike: null, owners: 1 },
  ...{ ingestAtOnce: 50, accountAtOnce: 1_000, roundEveryMs: 60_000, blockMs: 12_000, finalDepth: 65 },
  ...{ burst: 0, settleMinutes: 120, latencies: LATENCIES },
};
