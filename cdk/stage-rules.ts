import { RemovalPolicy } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { StageName } from './read-parameters.ts';

/** What differs between a stage to try things and one that people rely on. */
export interface StageRules {
  /** Of what holds data: in prod no deployment deletes it, whatever becomes of the template. */
  readonly removal: RemovalPolicy;
  readonly isProtected: boolean;
  readonly logRetention: RetentionDays;
  /** Overwritten or removed versions of objects are kept so long. */
  readonly oldVersionDays: number;
  readonly requestsPerSecond: number;
  readonly burst: number;
}

export const STAGE_RULES: Readonly<Record<StageName, StageRules>> = {
  dev: {
    removal: RemovalPolicy.DESTROY,
    isProtected: false,
    logRetention: RetentionDays.ONE_MONTH,
    oldVersionDays: 7,
    requestsPerSecond: 50,
    burst: 100,
  },
  prod: {
    removal: RemovalPolicy.RETAIN,
    isProtected: true,
    logRetention: RetentionDays.ONE_YEAR,
    oldVersionDays: 365,
    requestsPerSecond: 500,
    burst: 1_000,
  },
};
