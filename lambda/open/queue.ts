import { createSqsAnchorQueue } from '../../adapters/sqs/sqs-anchor-queue.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import type { Environment } from '../environment.ts';

export function openQueue(env: Environment): Pick<ServicePorts, 'anchorQueue'> {
  return {
    anchorQueue: createSqsAnchorQueue({ region: env.lambda.region, queueUrl: env.url('PLUMBLINE_ANCHOR_QUEUE') }),
  };
}
