import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { May } from '../functions/row.ts';

/** ARNs of what functions may touch. */
export interface Touchable {
  readonly bucketArn: string;
  readonly tableArn: string;
  readonly anchorQueueArn: string;
  readonly relayerKeyArn: string;
  /** The secret with the addresses of the chain's nodes. */
  readonly rpcSecretArn: string;
  /** Null where no IPFS node is configured. */
  readonly ipfsTokenArn: string | null;
}

/** What a row of the table may do, as IAM says it: the calls that the adapters make, on these resources alone. */
export function rightsOf(may: May, on: Touchable): PolicyStatement[] {
  return [
    ...objectRights(may.objects, on),
    // Owners are in the table.
    ...tableRights(may.table ?? (may.owners === undefined ? undefined : 'read'), on),
    ...(may.dissc === 'record' || may.asc === 'record' ? relayerRights(on) : []),
    ...(may.queue === 'wake' ? [allow(['sqs:SendMessage'], on.anchorQueueArn)] : []),
    ...(asksChain(may) ? [allow(['secretsmanager:GetSecretValue'], on.rpcSecretArn)] : []),
    ...(may.ipfs === 'import' && on.ipfsTokenArn !== null
      ? [allow(['secretsmanager:GetSecretValue'], on.ipfsTokenArn)]
      : []),
  ];
}

function asksChain({ dissc, ocasc, asc }: May): boolean {
  return dissc !== undefined || ocasc !== undefined || asc !== undefined;
}

/** What Lambda's poller does with a queue in the name of the function that it feeds. */
export function pollingRights(queueArn: string): PolicyStatement[] {
  return [allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], queueArn)];
}

/** What the service itself writes, beside the segments that devices put. */
const OWN_KEYS = ['*/tile/*', '*/charter-*'];
/** What was set aside; and segments, which the one function that sets aside may remove. The bucket keeps old versions for a while. */
const ASIDE_KEYS = 'rejected/*';
const SEGMENT_KEYS = '*.car';

function objectRights(objects: May['objects'], { bucketArn }: Touchable): PolicyStatement[] {
  if (objects === undefined) return [];
  const every = `${bucketArn}/*`;
  if (objects === 'presign-get') return [allow(['s3:GetObject'], every)];
  const own = OWN_KEYS.map((keys) => allow(['s3:PutObject'], `${bucketArn}/${keys}`));
  const puts = {
    read: [],
    'read-list-aside': [
      allow(['s3:PutObject', 's3:DeleteObject'], `${bucketArn}/${ASIDE_KEYS}`),
      allow(['s3:DeleteObject'], `${bucketArn}/${SEGMENT_KEYS}`),
    ],
    'read-put': own,
    'read-presign-put': [allow(['s3:PutObject'], every)],
  }[objects];
  // Without the right to list, S3 says "forbidden" of an object that is missing.
  return [allow(['s3:GetObject'], every), ...puts, allow(['s3:ListBucket'], bucketArn)];
}

function tableRights(table: May['table'], { tableArn }: Touchable): PolicyStatement[] {
  if (table === undefined) return [];
  const reads = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
  const writes = ['dynamodb:PutItem', 'dynamodb:DeleteItem', 'dynamodb:BatchWriteItem'];
  return [allow(table === 'read' ? reads : [...reads, ...writes], tableArn)];
}

/** Signs digests by the one algorithm that a chain takes; nothing else can be asked of the key. */
function relayerRights({ relayerKeyArn }: Touchable): PolicyStatement[] {
  const sign = new PolicyStatement({
    actions: ['kms:Sign'],
    resources: [relayerKeyArn],
    conditions: { StringEquals: { 'kms:MessageType': 'DIGEST', 'kms:SigningAlgorithm': 'ECDSA_SHA_256' } },
  });
  return [allow(['kms:GetPublicKey'], relayerKeyArn), sign];
}

function allow(actions: string[], resource: string): PolicyStatement {
  return new PolicyStatement({ actions, resources: [resource] });
}
