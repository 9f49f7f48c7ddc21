import { Duration, Stack } from 'aws-cdk-lib';
import {
  AccountPrincipal,
  type CfnRole,
  PolicyDocument,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  type CfnFunction,
  type Code,
  Function as LambdaFunction,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { FunctionRow } from '../functions/row.ts';
import { acknowledge } from './acknowledge.ts';
import { ENTRY } from './bundle-function.ts';
import { memoryOf, reservedOf } from './load-of.ts';
import { nameOf } from './name-of.ts';
import type { Parameters } from './read-parameters.ts';
import type { StageRules } from './stage-rules.ts';

export interface ServiceFunctionProps {
  readonly row: FunctionRow;
  readonly parameters: Parameters;
  readonly rules: StageRules;
  /** Of this function alone: what changes in another one leaves it as it is. */
  readonly code: Code;
  /** All that it may do beside writing its own log and traces. */
  readonly rights: readonly PolicyStatement[];
  readonly environment: Readonly<Record<string, string>>;
}

/** One function of the table, with a role of its own that nothing adds to later. */
export class ServiceFunction extends Construct {
  readonly row: FunctionRow;
  readonly function: LambdaFunction;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps) {
    super(scope, id);
    const { row, parameters, rules, code, rights, environment } = props;
    const { network } = parameters;
    this.row = row;
    this.logGroup = new LogGroup(this, 'Logs', { retention: rules.logRetention, removalPolicy: rules.removal });
    const own = [
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [this.logGroup.logGroupArn],
      }),
      new PolicyStatement({ actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], resources: ['*'] }),
      ...(network === null ? [] : [new PolicyStatement({ actions: INTERFACES, resources: ['*'] })]),
    ];
    const role = new Role(this, 'Role', {
      description: `What ${row.name} of Plumbline (${nameOf(parameters)}) may do`,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: { table: new PolicyDocument({ statements: [...rights, ...own], minimize: false }) },
    });
    const atOnce = reservedOf(row, rules, parameters.load);
    this.function = new LambdaFunction(this, 'Function', {
      functionName: `${nameOf(parameters)}-${row.name}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code,
      handler: `${ENTRY}.handler`,
      memorySize: memoryOf(row, parameters.load),
      timeout: Duration.seconds(Math.ceil(row.limits.timeoutMs / 1_000)),
      tracing: Tracing.ACTIVE,
      ...(atOnce === null ? {} : { reservedConcurrentExecutions: atOnce }),
      logGroup: this.logGroup,
      environment: { ...environment, NODE_OPTIONS: '--enable-source-maps' },
      role: role.withoutPolicyUpdates(),
    });
    if (network !== null) {
      // Not by the construct's property, which would add to the role.
      const { subnets, securityGroups } = network;
      const cfnFunction = this.function.node.defaultChild as CfnFunction;
      cfnFunction.vpcConfig = { subnetIds: [...subnets], securityGroupIds: [...securityGroups] };
    }
    this.#acknowledgeWildcards(role, rights);
  }

  /**
   * Lets the roles of other AWS accounts invoke it; who asks is proven by the signed request all the same
   * (specification#requests).
   */
  allowInvoking(accounts: readonly string[]): void {
    for (const account of accounts) {
      const principal = new AccountPrincipal(account);
      this.function.addPermission(`Invoke${account}`, { principal, action: 'lambda:InvokeFunction' });
    }
  }

  #acknowledgeWildcards(role: Role, rights: readonly PolicyStatement[]): void {
    const cfnRole = role.node.defaultChild as CfnRole;
    acknowledge(
      cfnRole,
      'AwsSolutions-IAM5[Resource::*]',
      'X-Ray and network interfaces have no resources to name: AWS gives these rights for * only.',
    );
    const resources = new Set(rights.flatMap(({ resources }) => resources));
    for (const arn of resources) {
      if (!arn.includes('*')) continue;
      const bucket = nameInFinding(Stack.of(this).resolve(arn));
      acknowledge(
        cfnRole,
        `AwsSolutions-IAM5[Resource::${bucket}]`,
        'Segments, tiles and charters are named by datasets, which are not known before; the bucket holds nothing else.',
      );
    }
  }
}

/** What Lambda does in the function's name where it runs in a network. */
const INTERFACES = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

type Part = string | { readonly 'Fn::GetAtt': readonly [string, string] } | { readonly Ref: string };

/** How the rules write an ARN made of a resource's attribute and a text. */
function nameInFinding(resolved: { readonly 'Fn::Join': readonly [string, readonly Part[]] }): string {
  return resolved['Fn::Join'][1]
    .map((part) => (typeof part === 'string' ? part : `<${'Ref' in part ? part.Ref : part['Fn::GetAtt'].join('.')}>`))
    .join('');
}
