import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import type { Emulator } from '../../dev/emulator/start-emulator.ts';
import { EMULATED_CREDENTIALS, EMULATED_REGION } from '../../dev/emulator/start-emulator.ts';

/** What an SDK client needs to reach the emulator. */
export function clientOptions({ endpoint }: Pick<Emulator, 'endpoint'>) {
  return { endpoint, region: EMULATED_REGION, credentials: EMULATED_CREDENTIALS };
}

export interface DeployedStack {
  readonly outputs: Readonly<Record<string, string>>;
  /** Logical id to physical id and type. */
  readonly resources: ReadonlyMap<string, { readonly id: string; readonly type: string }>;
  /** The physical ids of a type. */
  idsOf(type: string): string[];
  /** An ARN or name with made-up parts replaced by the place in the code that they come from: `<Table.Arn>`. */
  text(value: unknown): string;
}

/** What CloudFormation says of a stack. */
export async function describeDeployed(emulator: Emulator, stackName: string): Promise<DeployedStack> {
  const client = new CloudFormationClient(clientOptions(emulator));
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
    const outputs = Object.fromEntries((Stacks?.[0]?.Outputs ?? []).map((one) => [one.OutputKey, one.OutputValue]));
    const resources = new Map<string, { id: string; type: string }>();
    for await (const page of paginateListStackResources({ client }, { StackName: stackName })) {
      for (const { LogicalResourceId, PhysicalResourceId, ResourceType } of page.StackResourceSummaries ?? []) {
        resources.set(LogicalResourceId ?? '', { id: PhysicalResourceId ?? '', type: ResourceType ?? '' });
      }
    }
    return {
      outputs,
      resources,
      idsOf: (type) => [...resources.values()].filter((one) => one.type === type).map(({ id }) => id),
      text: (value) => placesIn(String(value), outputs),
    };
  } finally {
    client.destroy();
  }
}

const QUEUE = /arn:aws:sqs:us-east-1:\d{12}:plumbline-dev-(\w+Queue?)(DeadLetters)?[0-9A-F]{8}-\w+(?:\.fifo)?/g;

function placesIn(text: string, outputs: Readonly<Record<string, string>>): string {
  return text
    .replaceAll(`arn:aws:s3:::${outputs.Bucket}`, '<Store/Segments.Arn>')
    .replaceAll(new RegExp(`arn:aws:dynamodb:us-east-1:\\d{12}:table/${outputs.Table}`, 'g'), '<Table.Arn>')
    .replaceAll(new RegExp(`arn:aws:kms:us-east-1:\\d{12}:key/${outputs.RelayerKeyId}`, 'g'), '<RelayerKey.Arn>')
    .replaceAll(outputs.IpfsTokenSecret ?? '-', '<IpfsToken>')
    .replaceAll(/arn:aws:secretsmanager:us-east-1:\d{12}:secret:plumbline-nodes-\w{6}/g, '<nodes>')
    .replaceAll(QUEUE, (_, place: string, dead?: string) => `<${place}/${dead ?? 'Queue'}.Arn>`)
    .replaceAll(/arn:aws:logs:us-east-1:\d{12}:log-group:plumbline-dev-(\w+)Logs[0-9A-F]{8}-\w+/g, '<$1/Logs.Arn>')
    .replaceAll(/arn:aws:events:us-east-1:\d{12}:rule\/plumbline-dev-(\w+)-\w+/g, '<$1.Arn>');
}

/** A question to a service by its JSON or its query interface, for services whose SDK nothing else here needs. */
export async function ask(
  { endpoint }: Pick<Emulator, 'endpoint'>,
  service: string,
  action: string | { readonly target: string; readonly body?: object },
): Promise<string> {
  // Signed for the service, as the emulator routes by that; it does not look at the signature.
  const authorization = `AWS4-HMAC-SHA256 Credential=test/20260101/${EMULATED_REGION}/${service}/aws4_request, SignedHeaders=host, Signature=0`;
  const isQuery = typeof action === 'string';
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: {
      authorization,
      'content-type': isQuery ? 'application/x-www-form-urlencoded' : 'application/x-amz-json-1.1',
      ...(isQuery ? {} : { 'x-amz-target': action.target }),
    },
    body: isQuery ? action : JSON.stringify(action.body ?? {}),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${service}: status ${answer.status}: ${text.slice(0, 300)}`);
  return text;
}
