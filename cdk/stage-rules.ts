import { RemovalPolicy } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { WorkKind } from '../functions/row.ts';
import type { StageName } from './read-parameters.ts';

/** What one function may be asked for, so that it leaves something to the others. */
export interface WorkBounds {
  /** To each route, unless its parameter says otherwise. */
  readonly requests: { readonly perSecond: number; readonly burst: number };
  /** Invocations at once, kept free for each function; null: what the account has left. */
  readonly atOnce: number | null;
}

/** Kinds of work with a route. */
export type RoutedWork = Exclude<WorkKind, 'events'>;

/** What differs between a stage to try things and one that people rely on. */
export interface StageRules {
  /** Of what holds data: in prod no deployment deletes it, whatever becomes of the template. */
  readonly removal: RemovalPolicy;
  readonly isProtected: boolean;
  readonly logRetention: RetentionDays;
  /** Overwritten or removed versions of objects are kept so long. */
  readonly oldVersionDays: number;
  /** To the whole API. */
  readonly requestsPerSecond: number;
  readonly burst: number;
  readonly work: Readonly<Record<RoutedWork, WorkBounds>>;
  /** Whether invocations are kept free for functions that events feed: as many as their queues feed them. */
  readonly keepsEvents: boolean;
}

export const STAGE_RULES: Readonly<Record<StageName, StageRules>> = {
  dev: {
    removal: RemovalPolicy.DESTROY,
    isProtected: false,
    logRetention: RetentionDays.ONE_MONTH,
    oldVersionDays: 7,
    requestsPerSecond: 50,
    burst: 100,
    // A new account has ten invocations at once for everything: none can be kept free.
    work: {
      public: { requests: { perSecond: 10, burst: 20 }, atOnce: null },
      heavy: { requests: { perSecond: 20, burst: 40 }, atOnce: null },
      light: { requests: { perSecond: 25, burst: 50 }, atOnce: null },
    },
    keepsEvents: false,
  },
  prod: {
    removal: RemovalPolicy.RETAIN,
    isProtected: true,
    logRetention: RetentionDays.ONE_YEAR,
    oldVersionDays: 365,
    requestsPerSecond: 500,
    burst: 1_000,
    work: {
      public: { requests: { perSecond: 100, burst: 200 }, atOnce: 20 },
      heavy: { requests: { perSecond: 200, burst: 400 }, atOnce: 50 },
      light: { requests: { perSecond: 250, burst: 500 }, atOnce: null },
    },
    keepsEvents: true,
  },
};
