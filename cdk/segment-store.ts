import { Aws, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type BucketProps,
  type CfnBucket,
  type CorsRule,
  HttpMethods,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { EventQueue } from './event-queue.ts';
import type { StageRules } from './stage-rules.ts';

export interface SegmentStoreProps {
  readonly rules: StageRules;
  /** Queues and the events of S3 that they take, of objects whose keys end so. */
  readonly listeners: readonly {
    readonly queue: EventQueue;
    readonly events: readonly string[];
    readonly suffix: string;
  }[];
  /** Origins whose pages may read what a presigned address gives them the right to; by itself this gives no right. */
  readonly readers: readonly string[];
}

const MULTIPART_DAYS = 1;
const ACCESS_LOG_DAYS = 90;
/** What can never be a segment, and was set aside. */
const REJECTED_DAYS = 31;

/** The bucket of segments: what devices have stored, and the service's tiles and charters beside it. Nothing here ever removes the current version of an object, but for what was set aside. */
export class SegmentStore extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { rules, listeners, readers }: SegmentStoreProps) {
    super(scope, id);
    const common: BucketProps = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: rules.removal,
    };
    const accessLogs = new Bucket(this, 'AccessLogs', {
      ...common,
      lifecycleRules: [{ id: 'expire', expiration: Duration.days(ACCESS_LOG_DAYS) }],
    });
    this.bucket = new Bucket(this, 'Segments', {
      ...common,
      versioned: true,
      serverAccessLogsBucket: accessLogs as IBucket,
      serverAccessLogsPrefix: 'segments/',
      ...(readers.length === 0 ? {} : { cors: [readingOf(readers)] }),
      lifecycleRules: [
        {
          id: 'old-versions',
          noncurrentVersionExpiration: Duration.days(rules.oldVersionDays),
          abortIncompleteMultipartUploadAfter: Duration.days(MULTIPART_DAYS),
          expiredObjectDeleteMarker: true,
        },
        { id: 'rejected', prefix: 'rejected/', expiration: Duration.days(REJECTED_DAYS) },
      ],
    });
    this.bucket.addToResourcePolicy(writeOnce(this.bucket));
    this.#tell(listeners);
  }

  /** Notifications by the bucket's own property: the CDK's method would bring a function that may change every bucket. */
  #tell(listeners: SegmentStoreProps['listeners']): void {
    const cfnBucket = this.bucket.node.defaultChild as CfnBucket;
    cfnBucket.notificationConfiguration = {
      queueConfigurations: listeners.flatMap(({ queue, events, suffix }) => {
        const filter = { s3Key: { rules: [{ name: 'suffix', value: suffix }] } };
        return events.map((event) => ({ event, queue: queue.queue.queueArn, filter }));
      }),
    };
    // The bucket cannot be named in the policy of a queue that must be there before it; its name begins with the stack's.
    const nameOfBucket = `arn:${Aws.PARTITION}:s3:::${Stack.of(this).stackName.toLowerCase()}-*`;
    for (const { queue } of listeners) {
      queue.allowSending('s3.amazonaws.com', nameOfBucket);
      // S3 tries to send when it is told of a queue.
      this.bucket.node.addDependency(queue.queue.node.findChild('Policy'));
    }
  }
}

/**
 * A bucket that the account has already. Nothing of it is changed: what it must be told, and which policy keeps its objects
 * written once, is told as outputs, for the operator to put there.
 */
export function useSegmentStore(
  scope: Construct,
  id: string,
  { name, listeners, readers }: Omit<SegmentStoreProps, 'rules'> & { readonly name: string },
): IBucket {
  const bucket = Bucket.fromBucketName(scope, id, name);
  for (const { queue } of listeners) queue.allowSending('s3.amazonaws.com', bucket.bucketArn);
  const stack = Stack.of(scope);
  const QueueConfigurations = listeners.flatMap(({ queue, events, suffix }) =>
    events.map((event) => ({
      QueueArn: queue.queue.queueArn,
      Events: [event],
      Filter: { Key: { FilterRules: [{ Name: 'suffix', Value: suffix }] } },
    })),
  );
  const output = (outputId: string, value: unknown, description: string) =>
    new CfnOutput(scope, `${outputId}Output`, { value: stack.toJsonString(value), description }).overrideLogicalId(
      outputId,
    );
  output('BucketNotifications', { QueueConfigurations }, 'For aws s3api put-bucket-notification-configuration');
  output('BucketPolicyStatement', writeOnce(bucket).toStatementJson(), 'To be added to the policy of the bucket');
  if (readers.length > 0) {
    const { allowedHeaders, allowedMethods, allowedOrigins, exposedHeaders, maxAge } = readingOf(readers);
    const rule = {
      ...{ AllowedHeaders: allowedHeaders, AllowedMethods: allowedMethods, AllowedOrigins: allowedOrigins },
      ...{ ExposeHeaders: exposedHeaders, MaxAgeSeconds: maxAge },
    };
    output(
      'BucketCors',
      { CORSRules: [rule] },
      'For aws s3api put-bucket-cors, so that the console may read the bucket',
    );
  }
  return bucket;
}

/** How pages of these origins may read: whole objects and ranges, by presigned addresses. */
function readingOf(origins: readonly string[]) {
  return {
    allowedOrigins: [...origins],
    allowedMethods: [HttpMethods.GET],
    allowedHeaders: ['range'],
    exposedHeaders: ['content-length', 'content-range', 'etag'],
    maxAge: 3_600,
  } satisfies CorsRule;
}

/** An object is written once, whoever writes it: a PUT that would replace one is refused before its bytes are kept. */
function writeOnce(bucket: Pick<IBucket, 'arnForObjects'>): PolicyStatement {
  return new PolicyStatement({
    sid: 'WriteOnce',
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: ['s3:PutObject'],
    resources: [bucket.arnForObjects('*')],
    conditions: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
  });
}
