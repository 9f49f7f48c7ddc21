import { Aws, Duration } from 'aws-cdk-lib';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { StageRules } from './stage-rules.ts';

export interface EventQueueProps {
  readonly rules: StageRules;
  /** Of the function that it feeds. */
  readonly functionTimeoutMs: number;
  /** A message that failed so often is put aside. */
  readonly mostReceives: number;
  readonly isFifo: boolean;
  /** How long an unhandled message is kept. */
  readonly retention: Duration;
}

/** A queue that feeds a function, with one behind it for what could not be handled. Encrypted, over TLS only. */
export class EventQueue extends Construct {
  /**
   * A message that failed comes again when it becomes visible. AWS advises six times the function's time, as a throttled
   * poller tries again meanwhile; in a FIFO queue nothing of the group is handled before, so it is less there.
   */
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: EventQueueProps) {
    super(scope, id);
    const { rules, functionTimeoutMs, mostReceives, isFifo, retention } = props;
    const common: QueueProps = {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      removalPolicy: rules.removal,
      ...(isFifo ? { fifo: true } : {}),
    };
    this.deadLetters = new Queue(this, 'DeadLetters', { ...common, retentionPeriod: Duration.days(14) });
    this.queue = new Queue(this, 'Queue', {
      ...common,
      retentionPeriod: retention,
      visibilityTimeout: Duration.seconds(Math.ceil((functionTimeoutMs * (isFifo ? 2 : 6)) / 1_000)),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: mostReceives },
      // What EventBridge sends has no deduplication id of its own.
      ...(isFifo ? { contentBasedDeduplication: true } : {}),
    });
  }

  /** Lets a service of this account send, on behalf of one resource (an ARN, possibly with a wildcard at its end). */
  allowSending(service: string, sourceArn: string): void {
    this.queue.addToResourcePolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal(service)],
        actions: ['sqs:SendMessage'],
        resources: [this.queue.queueArn],
        conditions: { ArnLike: { 'aws:SourceArn': sourceArn }, StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
  }
}
