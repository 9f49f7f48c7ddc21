import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ApiGatewayV2Client } from '@aws-sdk/client-apigatewayv2';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Deployment } from '../../dev/emulator/deploy-to-emulator.ts';
import { clientOptions, type DeployedStack, describeDeployed } from './deployed-stack.ts';

const run = promisify(execFile);

/** A deployment, what CloudFormation says of it, and the services that it is in. */
export interface Looked {
  readonly deployment: Deployment;
  readonly stack: DeployedStack;
  readonly clients: ReturnType<typeof openClients>;
  close(): Promise<void>;
}

export async function lookAt(deployment: Deployment): Promise<Looked> {
  const clients = openClients(deployment);
  const close = async () => {
    for (const client of Object.values(clients)) client.destroy();
    await deployment.close();
  };
  try {
    return { deployment, clients, close, stack: await describeDeployed(deployment.emulator, deployment.stackName) };
  } catch (error) {
    await close();
    throw error;
  }
}

function openClients({ emulator }: Deployment) {
  const options = clientOptions(emulator);
  return {
    lambda: new LambdaClient(options),
    iam: new IAMClient(options),
    s3: new S3Client({ ...options, forcePathStyle: true }),
    sqs: new SQSClient({ ...options, useQueueUrlAsEndpoint: false }),
    dynamodb: new DynamoDBClient(options),
    kms: new KMSClient(options),
    gateway: new ApiGatewayV2Client(options),
  };
}

/** The event of a request to the API, without a body. */
export function requestTo({ stack }: Looked, method: string, path: string) {
  const host = new URL(stack.outputs.ApiUrl ?? '').host;
  const headers = { host, 'content-type': 'application/json' };
  return { version: '2.0', rawPath: path, rawQueryString: '', headers, requestContext: { http: { method, path } } };
}

/** The emulator runs no function; so its code is run here, as it was uploaded, with its environment. */
export async function runDeployed({ clients, deployment }: Looked, name: string, event: object) {
  const FunctionName = `plumbline-dev-${name}`;
  const { Environment } = await clients.lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  const assembly = join(deployment.outdir, 'cdk.out');
  const template = JSON.parse(await readFile(join(assembly, `${deployment.stackName}.template.json`), 'utf8'));
  const { Code } = Object.values<{ Properties?: { FunctionName?: string; Code?: { S3Key?: string } } }>(
    template.Resources,
  ).find(({ Properties }) => Properties?.FunctionName === FunctionName)?.Properties ?? { Code: {} };
  const asset = `asset.${Code?.S3Key?.replace('.zip', '')}`;
  const script = `
    const { handler } = await import(${JSON.stringify(join(assembly, asset, 'index.mjs'))});
    const context = { functionName: '${FunctionName}', getRemainingTimeInMillis: () => 25_000 };
    console.log(JSON.stringify({ answer: await handler(${JSON.stringify(event)}, context) ?? null }));
    process.exit();`;
  const env = { ...deployment.emulator.env, ...Environment?.Variables };
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { env, timeout: 60_000 });
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return lines.find((line) => 'answer' in line).answer;
}

async function urlOf({ stack }: Looked, place: string): Promise<string> {
  const [, queue] = [...stack.resources].find(
    ([id, { type }]) => type === 'AWS::SQS::Queue' && new RegExp(`^${place}[0-9A-F]{8}$`).test(id),
  ) ?? ['', null];
  assert.ok(queue, place);
  return queue.id;
}

export async function attributesOf(looked: Looked, place: string): Promise<Record<string, string | undefined>> {
  const { Attributes = {} } = await looked.clients.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: await urlOf(looked, place), AttributeNames: ['All'] }),
  );
  return Attributes;
}

/** Keys of the objects in the events that wait in a queue. */
export async function keysTold(looked: Looked, place: string): Promise<string[]> {
  const { Messages = [] } = await looked.clients.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: await urlOf(looked, place), MaxNumberOfMessages: 10, VisibilityTimeout: 0 }),
  );
  return Messages.flatMap(({ Body = '{}' }) => JSON.parse(Body).Records ?? []).map(
    (record: { s3: { object: { key: string } } }) => record.s3.object.key,
  );
}
