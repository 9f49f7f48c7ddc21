import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Accepts one finding of the rules on one resource, for a reason that stands beside it in the code. */
export function acknowledge(resource: IConstruct, finding: string, reason: string): void {
  Validations.of(resource).acknowledge({ id: finding, reason });
}
