import assert from 'node:assert/strict';
import { functionRows } from '../../functions/table.ts';

const SEGMENTS = '<Store/Segments.Arn>';
const TABLE = '<Table.Arn>';
/** Where the nodes' addresses are: each that asks the chain reads it. */
const NODES = 'secretsmanager:GetSecretValue <nodes>';
const WAKE = 'sqs:SendMessage <AnchorQueue/Queue.Arn>';

const readObjects = [`s3:GetObject ${SEGMENTS}/*`, `s3:ListBucket ${SEGMENTS}`];
const useTable = ['GetItem', 'BatchGetItem', 'Query', 'PutItem', 'DeleteItem', 'BatchWriteItem'].map(
  (action) => `dynamodb:${action} ${TABLE}`,
);
const poll = (queue: string) =>
  ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'].map((action) => `sqs:${action} <${queue}/Queue.Arn>`);

/*
 * What each right of a row lets its function do in AWS, written down by hand: whoever changes a right says so here as well.
 * (`rights-of.ts` derives the same; nothing of it is used here.)
 */
const BY_RIGHT: Readonly<Record<string, readonly string[]>> = {
  'objects read': readObjects,
  'objects read-list-aside': [
    ...readObjects,
    `s3:PutObject ${SEGMENTS}/rejected/*`,
    `s3:DeleteObject ${SEGMENTS}/rejected/*`,
    `s3:DeleteObject ${SEGMENTS}/*.car`,
  ],
  'objects read-put': [...readObjects, ...['tile/*', 'charter-*'].map((own) => `s3:PutObject ${SEGMENTS}/*/${own}`)],
  'objects presign-get': [`s3:GetObject ${SEGMENTS}/*`],
  'objects read-presign-put': [...readObjects, `s3:PutObject ${SEGMENTS}/*`],
  'table read': ['GetItem', 'BatchGetItem', 'Query'].map((action) => `dynamodb:${action} ${TABLE}`),
  'table read-write': useTable,
  'dissc read': [NODES],
  'dissc record': [
    NODES,
    'kms:GetPublicKey <RelayerKey.Arn>',
    'kms:Sign <RelayerKey.Arn> if {"StringEquals":{"kms:MessageType":"DIGEST","kms:SigningAlgorithm":"ECDSA_SHA_256"}}',
  ],
  'ocasc read': [NODES],
  'asc read': [NODES],
  // By the same key.
  'asc record': [NODES],
  'owners read': [],
  'queue wake': [WAKE],
  'ipfs import': ['secretsmanager:GetSecretValue <IpfsToken>'],
};

/** All of it, one by one and sorted: "action resource", and the condition if there is one. */
export const RIGHTS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  functionRows.map(({ name, may, trigger }) => {
    const ofRow = Object.entries(may).flatMap(([key, right]) => BY_RIGHT[`${key} ${right}`] ?? [`? ${key} ${right}`]);
    const fed = trigger.kind === 'http' ? [] : poll(`${placeOf(name)}Queue`);
    return [name, [...new Set([...ofRow, ...fed, ...logsAndTraces(name)])].sort()];
  }),
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
