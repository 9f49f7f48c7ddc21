import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { createSqsAnchorQueue } from '../../adapters/sqs/sqs-anchor-queue.ts';
import { StoreUnavailableError } from '../../core/errors.ts';

const sqs = mockClient(SQSClient);
const queueUrl = 'https://sqs.us-east-1.amazonaws.com/1/anchor.fifo';
const sent = () => sqs.commandCalls(SendMessageCommand);
beforeEach(() => sqs.reset());

test('many wake-ups of one second are one request: the queue would drop the others', async () => {
  sqs.on(SendMessageCommand).resolves({});
  const queue = createSqsAnchorQueue({ region: 'us-east-1', queueUrl });
  for (let i = 0; i < 50; i++) await queue.wake('head');
  const slots = sent().map(({ args }) => args[0].input.MessageDeduplicationId);
  assert.ok(slots.length < 50 && slots.length > 0);
  assert.equal(new Set(slots).size, slots.length, 'each second once');
  await queue.wake('look');
  assert.equal(sent().at(-1)?.args[0].input.MessageBody, '{"reason":"look"}', 'a wake-up for more is another');
});

test('a wake-up that did not arrive is not taken for one that did', async () => {
  sqs.on(SendMessageCommand).rejectsOnce(new Error('throttled')).resolves({});
  const queue = createSqsAnchorQueue({ region: 'us-east-1', queueUrl });
  await assert.rejects(queue.wake('head'), StoreUnavailableError);
  await queue.wake('head');
  assert.equal(sent().length, 2);
});
