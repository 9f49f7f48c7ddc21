import { Duration } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, type Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { ENTRY } from '../bundle-function.ts';
import { nameOf } from '../name-of.ts';
import type { Parameters } from '../read-parameters.ts';
import type { StageRules } from '../stage-rules.ts';

export interface PagesFunctionProps {
  readonly parameters: Parameters;
  readonly rules: StageRules;
  readonly code: Code;
}

/** Serves the check page and the console beside the API: static files with their headers. It may write its log, and nothing else. */
export class PagesFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, { parameters, rules, code }: PagesFunctionProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, 'Logs', { retention: rules.logRetention, removalPolicy: rules.removal });
    const log = new PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    });
    const role = new Role(this, 'Role', {
      description: `What the pages of Plumbline (${nameOf(parameters)}) may do`,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: { log: new PolicyDocument({ statements: [log], minimize: false }) },
    });
    this.function = new LambdaFunction(this, 'Function', {
      functionName: `${nameOf(parameters)}-pages`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code,
      handler: `${ENTRY}.handler`,
      memorySize: 256,
      timeout: Duration.seconds(10),
      logGroup,
      environment: { PLUMBLINE_PAGE_ORIGINS: parameters.pageOrigins.join(',') },
      role: role.withoutPolicyUpdates(),
    });
  }
}
