import assert from 'node:assert/strict';

const SEGMENTS = '<Store/Segments.Arn>';
const TABLE = '<Table.Arn>';
const WAKE = 'sqs:SendMessage <AnchorQueue/Queue.Arn>';

const readObjects = [`s3:GetObject ${SEGMENTS}/*`, `s3:ListBucket ${SEGMENTS}`];
const useTable = ['GetItem', 'Query', 'PutItem', 'DeleteItem'].map((action) => `dynamodb:${action} ${TABLE}`);
const poll = (queue: string) =>
  ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'].map((action) => `sqs:${action} <${queue}/Queue.Arn>`);

/*
 * What each function may do beside writing its own log and traces, written down by hand: whoever changes a right says so
 * here as well. (`rights-of.ts` derives the same from the table of functions; nothing of it is used here.)
 */
const BESIDE_LOGS: Readonly<Record<string, readonly string[]>> = {
  'upload-segment': [...readObjects, `s3:PutObject ${SEGMENTS}/*`, ...useTable, WAKE],
  'list-batches': [...useTable],
  'hash-blocks': [...readObjects, ...useTable],
  'prove-chunks': [...readObjects, ...useTable],
  'get-block': [...readObjects, ...useTable],
  'get-segment': [`s3:GetObject ${SEGMENTS}/*`, ...useTable],
  'publish-segment': [...readObjects, ...useTable, 'secretsmanager:GetSecretValue <IpfsToken>'],
  'get-records': [...readObjects, ...useTable],
  'store-voucher': [...useTable],
  'get-voucher': [...useTable],
  'post-message': [...useTable],
  'list-messages': [...useTable],
  'get-openapi': [],
  'ingest-segment': [...readObjects, ...useTable, WAKE, ...poll('IngestSegmentQueue')],
  'segment-removed': [...readObjects, ...useTable, WAKE, ...poll('SegmentRemovedQueue')],
  anchor: [
    ...readObjects,
    ...useTable,
    'kms:GetPublicKey <RelayerKey.Arn>',
    'kms:Sign <RelayerKey.Arn> if {"StringEquals":{"kms:MessageType":"DIGEST","kms:SigningAlgorithm":"ECDSA_SHA_256"}}',
    ...poll('AnchorQueue'),
  ],
};

/** All of it, one by one and sorted: "action resource", and the condition if there is one. */
export const RIGHTS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(BESIDE_LOGS).map(([name, rights]) => [name, [...rights, ...logsAndTraces(name)].sort()]),
);

interface PolicyDocument {
  readonly Statement: readonly {
    readonly Effect: string;
    readonly Action: string | readonly string[];
    readonly Resource: unknown;
    readonly Condition?: unknown;
  }[];
}

/** The rights that a policy gives, written as they are in the table above. */
export function rightsIn({ Statement }: PolicyDocument, text: (resource: unknown) => string): string[] {
  return Statement.flatMap(({ Effect, Action, Resource, Condition }) => {
    assert.equal(Effect, 'Allow');
    const resources = Array.isArray(Resource) ? Resource : [Resource];
    const condition = Condition === undefined ? '' : ` if ${JSON.stringify(Condition)}`;
    return [Action].flat().flatMap((action) => resources.map((one) => `${action} ${text(one)}${condition}`));
  }).sort();
}

/** get-block: GetBlock, where the code has what belongs to it. */
export function placeOf(name: string): string {
  return name
    .split('-')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
}

function logsAndTraces(name: string): string[] {
  const place = placeOf(name);
  return [
    `logs:CreateLogStream <${place}/Logs.Arn>`,
    `logs:PutLogEvents <${place}/Logs.Arn>`,
    'xray:PutTraceSegments *',
    'xray:PutTelemetryRecords *',
  ];
}
