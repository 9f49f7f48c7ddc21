import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import type { StageRules } from './stage-rules.ts';

/** The service's one table, as adapters/dynamodb expects it. */
export function createStateTable(scope: Construct, id: string, rules: StageRules): Table {
  return new Table(scope, id, {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    timeToLiveAttribute: 'expiresAtS',
    encryption: TableEncryption.AWS_MANAGED,
    deletionProtection: rules.isProtected,
    removalPolicy: rules.removal,
  });
}
