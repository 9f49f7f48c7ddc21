import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { createSqsAnchorQueue } from '../../adapters/sqs/sqs-anchor-queue.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import { findProgram } from '../../dev/real/programs/find-program.ts';
import { VERSIONS } from '../../dev/real/programs/versions.ts';
import { MOTO_CREDENTIALS, type RunningMoto, startMoto } from '../../dev/real/start-moto.ts';

/* The queue that wakes the anchor function, on the SQS of moto. */

const REGION = 'us-east-1';
const WITHIN_MS = 20_000;

describe(`the anchor's queue: SQS of moto ${VERSIONS.moto}`, { timeout: 120_000 }, () => {
  let moto: RunningMoto;
  let client: SQSClient;
  let queueUrl = '';
  let queues = 0;
  before(async () => {
    moto = await startMoto({ python: findProgram('moto') });
    // The adapter takes what is not in the queue's URL from the environment, as in Lambda.
    process.env.AWS_ACCESS_KEY_ID = MOTO_CREDENTIALS.accessKeyId;
    process.env.AWS_SECRET_ACCESS_KEY = MOTO_CREDENTIALS.secretAccessKey;
    process.env.AWS_ENDPOINT_URL_SQS = moto.endpoint;
    client = new SQSClient({ region: REGION, endpoint: moto.endpoint, credentials: MOTO_CREDENTIALS });
  });
  after(async () => {
    client?.destroy();
    await moto?.stop();
  });
  beforeEach(async () => {
    queueUrl = await createQueue();
  });

  const createQueue = async (): Promise<string> => {
    const Attributes = { FifoQueue: 'true', VisibilityTimeout: '60' };
    const { QueueUrl } = await client.send(
      new CreateQueueCommand({ QueueName: `anchor-${++queues}.fifo`, Attributes }),
    );
    return String(QueueUrl);
  };
  const receive = async (): Promise<string[]> => {
    const { Messages } = await client.send(
      new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 0 }),
    );
    return (Messages ?? []).map(({ ReceiptHandle }) => String(ReceiptHandle));
  };
  const finish = (ReceiptHandle: string) =>
    client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));

  it('a wake-up arrives', async () => {
    await createSqsAnchorQueue({ region: REGION, queueUrl }).wake('look');
    assert.equal((await receive()).length, 1);
    assert.equal((await receive()).length, 0, 'nobody else gets it meanwhile');
  });

  it('a hundred wake-ups at once are few runs, one after the other', async () => {
    const queue = createSqsAnchorQueue({ region: REGION, queueUrl });
    await Promise.all(Array.from({ length: 100 }, () => queue.wake('look')));
    let runs = 0;
    for (let handles = await receive(); handles.length > 0; handles = await receive()) {
      runs += handles.length;
      for (const handle of handles) await finish(handle);
    }
    // One for each second that it took.
    assert.ok(runs >= 1 && runs <= 10, `${runs} runs`);
  });

  it('what comes while a run is under way waits until that is done, and is not lost', async () => {
    let nowMs = Date.now();
    const queue = createSqsAnchorQueue({ region: REGION, queueUrl, nowMs: () => nowMs });
    await queue.wake('look');
    const [running] = (await receive()) as [string];
    // Of another second, or it would be the same wake-up.
    nowMs += 1_000;
    await queue.wake('look');
    assert.deepEqual(await receive(), [], 'one group, one run at a time');
    await finish(running);
    assert.equal((await receive()).length, 1);
  });

  it('a queue that is not there is an error', async () => {
    const queue = createSqsAnchorQueue({ region: REGION, queueUrl: queueUrl.replace('.fifo', '-none.fifo') });
    await assert.rejects(queue.wake('look'), StoreUnavailableError);
  });

  it('SQS hangs: an error in time; and it goes on with the same queue', async () => {
    const queue = createSqsAnchorQueue({ region: REGION, queueUrl, timeoutMs: 2_000 });
    moto.freeze();
    const beganMs = performance.now();
    await assert.rejects(queue.wake('look'), StoreUnavailableError);
    assert.ok(performance.now() - beganMs < WITHIN_MS);
    moto.thaw();
    await queue.wake('look');
    assert.ok((await receive()).length >= 1);
  });

  it('SQS is killed: an error in time; and the same caller wakes again once it is back', async () => {
    let nowMs = Date.now();
    const queue = createSqsAnchorQueue({ region: REGION, queueUrl, nowMs: () => nowMs });
    await queue.wake('look');
    await moto.kill();
    // Of another second: the queue would have this one's already, and nothing would be sent.
    nowMs += 1_000;
    const beganMs = performance.now();
    await assert.rejects(queue.wake('look'), StoreUnavailableError);
    assert.ok(performance.now() - beganMs < WITHIN_MS);
    await moto.restart();
    // moto has forgotten all its queues.
    queues -= 1;
    queueUrl = await createQueue();
    await queue.wake('look');
    assert.equal((await receive()).length, 1);
  });
});
