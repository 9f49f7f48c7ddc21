import { Duration } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, type Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { DEFAULT_ROUND_LIMIT_MS } from '../../core/rounds/cadence.ts';
import type { ConsoleFile } from '../../core/wire/console-file.ts';
import { ENTRY } from '../bundle-function.ts';
import { nameOf } from '../name-of.ts';
import type { Parameters } from '../read-parameters.ts';
import type { StageRules } from '../stage-rules.ts';

export interface PagesFunctionProps {
  readonly parameters: Parameters;
  readonly rules: StageRules;
  readonly code: Code;
  /** Of the bucket that presigned reads lead to. */
  readonly bucketOrigin: string;
}

/** Serves the check page and the console beside the API: static files with their headers. It may write its log, and nothing else. */
export class PagesFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, { parameters, rules, code, bucketOrigin }: PagesFunctionProps) {
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
      environment: {
        PLUMBLINE_PAGE_ORIGINS: [...originsOf(parameters), bucketOrigin].join(','),
        PLUMBLINE_PAGE_PLACE: JSON.stringify(placeOf(parameters)),
      },
      role: role.withoutPolicyUpdates(),
    });
  }
}

function originsOf({ pageOrigins, pageRpcUrl }: Parameters): readonly string[] {
  return pageRpcUrl === null ? pageOrigins : [...pageOrigins, new URL(pageRpcUrl).origin];
}

/**
 * What the console is told of this deployment. Nothing passes its questions on: the functions' own nodes may be paid for, and
 * their addresses are a secret. It asks the public node that the operator names here, or the one that its reader names.
 */
function placeOf({ chainId, finalDepth, contracts, fromBlock, pageRpcUrl, cssAccount }: Parameters): ConsoleFile {
  return {
    v: 1,
    ...{ chainId, finalDepth, ...contracts, fromBlock },
    ...{ apiUrl: null, passesOn: false, rpcUrl: pageRpcUrl, bucketOrigin: null },
    // The account that records is the one that anchors.
    anchorer: cssAccount,
    ...{ isOneOperator: false, roundLimitMs: DEFAULT_ROUND_LIMIT_MS },
  };
}
