import assert from 'node:assert/strict';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { GetFunctionConfigurationCommand, InvokeCommand } from '@aws-sdk/client-lambda';
import { DeleteObjectCommand, GetBucketLoggingCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { createKmsSigner } from '../../adapters/kms/kms-signer.ts';
import { AnswerError } from '../../core/errors.ts';
import { EMULATED_CREDENTIALS, EMULATED_REGION } from '../../dev/emulator/start-emulator.ts';
import { clientOptions } from './deployed-stack.ts';
import { keysTold, type Looked } from './look-at.ts';

/*
 * What the emulator cannot do, so that nobody takes it for shown: each is tried, and fails as it did when this was written.
 * When one of them begins to work, its line here fails, and a better test can take its place.
 */
export const EMULATOR_GAPS: Readonly<Record<string, (looked: Looked) => Promise<void>>> = {
  'refuse what the policy of the bucket denies: a plaintext PUT over an object that is there': async ({
    clients,
    stack,
  }) => {
    const put = () => new PutObjectCommand({ Bucket: stack.outputs.Bucket, Key: 'overwritten', Body: 'bytes' });
    await clients.s3.send(put());
    await clients.s3.send(put());
  },
  'refuse anybody anything for lack of rights': async ({ stack, deployment }) => {
    const credentials = { accessKeyId: 'nobody', secretAccessKey: 'nothing' };
    const stranger = new DynamoDBClient({ ...clientOptions(deployment.emulator), credentials });
    await stranger.send(new ScanCommand({ TableName: stack.outputs.Table }));
    stranger.destroy();
  },
  'run a function: an invocation answers without it': async ({ clients }) => {
    const { Payload } = await clients.lambda.send(new InvokeCommand({ FunctionName: 'plumbline-dev-get-openapi' }));
    assert.doesNotMatch(Buffer.from(Payload ?? []).toString(), /statusCode/);
  },
  'answer a request to the API': async ({ deployment }) => {
    const answer = await fetch(`${deployment.emulator.endpoint}/v1/openapi.json`);
    await answer.body?.cancel();
    assert.notEqual(answer.status, 200);
  },
  'send the event of a removed object': async (looked) => {
    await looked.clients.s3.send(new DeleteObjectCommand({ Bucket: looked.stack.outputs.Bucket, Key: 'overwritten' }));
    assert.deepEqual(await keysTold(looked, 'SegmentRemovedQueue'), []);
  },
  'keep the bucket’s access logs': async ({ clients, stack }) => {
    const { LoggingEnabled } = await clients.s3.send(new GetBucketLoggingCommand({ Bucket: stack.outputs.Bucket }));
    assert.equal(LoggingEnabled, undefined);
  },
  'name the log group of a function': async ({ clients }) => {
    const found = await clients.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: 'plumbline-dev-anchor' }),
    );
    assert.equal(found.LoggingConfig?.LogGroup, undefined);
  },
  'sign a digest as KMS does: it hashes it once more': async ({ stack, deployment }) => {
    const options = { ...clientOptions(deployment.emulator), credentials: EMULATED_CREDENTIALS };
    const signer = await createKmsSigner({
      ...options,
      region: EMULATED_REGION,
      keyId: stack.outputs.RelayerKeyId ?? '',
    });
    await assert.rejects(signer.signHash(new Uint8Array(32).fill(7)), AnswerError);
    signer.close();
  },
};
