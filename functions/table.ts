import { z } from 'zod';
import type { AgreementId, DatasetId } from '../core/ids.ts';
import {
  agreementParameter,
  datasetParameter,
  getRecordsRequest,
  getSegmentResponse,
  getVoucherResponse,
  hashBlocksRequest,
  indexParameter,
  listBatchesQuery,
  listBatchesResponse,
  listMessagesQuery,
  postMessageRequest,
  postMessageResponse,
  proveChunksRequest,
  publishSegmentResponse,
  storeVoucherRequest,
  storeVoucherResponse,
  underAgreementQuery,
  uploadSegmentRequest,
  uploadSegmentResponse,
} from '../core/wire/requests.ts';
import { ROUTES, type RouteName } from '../core/wire/routes.ts';
import type { ServicePorts } from './ports.ts';
import type { Kind } from './rights/access.ts';

/** Parties of the dataset in the path, by the chain. */
export type DatasetCaller = 'owner' | 'device';
/** Parties of the agreement in the path or the query: the owner's agent, and who signs for the consumer. */
export type AgreementCaller = 'agent' | 'signer';
/** Who may call; `anyone` needs not even sign. */
export type Caller = DatasetCaller | AgreementCaller;

export type Trigger =
  | { readonly kind: 'http'; readonly method: 'GET' | 'POST'; readonly path: string }
  | { readonly kind: 's3-event'; readonly events: readonly string[] }
  | { readonly kind: 'queue'; readonly everyMs: number };

/** What a function may touch; permissions and environment follow from it. */
export interface May {
  readonly objects?: 'read' | 'presign' | 'read-presign';
  readonly table?: 'read' | 'read-write';
  readonly chain?: 'read' | 'record';
  readonly queue?: 'wake';
  /** The IPFS node that the operator has configured, if any. */
  readonly ipfs?: 'import';
}

export interface Limits {
  readonly timeoutMs: number;
  /** Of the request's body. */
  readonly bodyBytes: number;
  readonly memoryMb: number;
}

export type Handler = (event: unknown, context: unknown) => Promise<unknown>;

export interface FunctionRow {
  readonly name: string;
  readonly trigger: Trigger;
  /** Whether it may be called by Lambda Invoke, with the same signed request as over HTTP. */
  readonly invoke: boolean;
  readonly callers: readonly Caller[] | 'anyone' | 'service';
  readonly may: May;
  readonly limits: Limits;
  /** File of the module, from this folder; it exports `handler` for Lambda and `handlerFor` for any host. */
  readonly module: string;
  readonly load: () => Promise<FunctionModule>;
}

export interface FunctionModule {
  readonly handlerFor: (ports: ServicePorts) => unknown;
}

export interface HttpRow extends FunctionRow {
  readonly name: RouteName;
  readonly trigger: Extract<Trigger, { kind: 'http' }>;
  readonly callers: readonly Caller[] | 'anyone';
  /** What an agreement's parties get of the dataset, under the agreement in the query. */
  readonly delivers?: Kind;
  readonly request: { readonly params: z.ZodType; readonly query: z.ZodType; readonly body: z.ZodType };
  /** JSON by a schema, or another media type (core/wire/answers.ts has the layout of dag-cbor answers). */
  readonly response: ({ readonly json: z.ZodType } | { readonly media: string }) & { readonly status?: 202 };
}

const dataset = datasetParameter.transform((text) => text as DatasetId);
const ofDataset = z.strictObject({ dataset });
const ofAgreement = z.strictObject({ agreement: agreementParameter.transform((text) => text as AgreementId) });
const underAgreement = underAgreementQuery.transform(({ agreement }) => ({
  agreement: agreement as AgreementId | undefined,
}));
const nothing = z.undefined();
const noParameters = z.strictObject({});
const noQuery = z.strictObject({});
const DAG_CBOR = { media: 'application/vnd.ipld.dag-cbor' } as const;

const http = <Name extends RouteName>(name: Name) => ({
  name,
  trigger: { kind: 'http', ...ROUTES[name] } as const,
});

/** The one list of functions. Deployment, local host and interface description are derived from it (design §6). */
export const httpRows = {
  'upload-segment': {
    ...http('upload-segment'),
    invoke: false,
    callers: ['device'],
    may: { objects: 'read-presign', table: 'read-write', chain: 'read', queue: 'wake' },
    limits: { timeoutMs: 29_000, bodyBytes: 4_096, memoryMb: 512 },
    request: { params: ofDataset, query: noQuery, body: uploadSegmentRequest },
    response: { json: uploadSegmentResponse },
    module: 'upload-segment.ts',
    load: (): Promise<FunctionModule> => import('./upload-segment.ts'),
  },
  'list-batches': {
    ...http('list-batches'),
    invoke: false,
    callers: ['device', 'owner'],
    may: { table: 'read-write', chain: 'read' },
    limits: { timeoutMs: 20_000, bodyBytes: 0, memoryMb: 512 },
    request: { params: ofDataset, query: listBatchesQuery, body: nothing },
    response: { json: listBatchesResponse },
    module: 'list-batches.ts',
    load: (): Promise<FunctionModule> => import('./list-batches.ts'),
  },
  'hash-blocks': {
    ...http('hash-blocks'),
    invoke: true,
    callers: ['owner', 'signer', 'agent'],
    delivers: 'digests',
    may: { objects: 'read', table: 'read-write', chain: 'read' },
    limits: { timeoutMs: 29_000, bodyBytes: 32_768, memoryMb: 1_769 },
    request: { params: ofDataset, query: underAgreement, body: hashBlocksRequest },
    response: DAG_CBOR,
    module: 'hash-blocks.ts',
    load: (): Promise<FunctionModule> => import('./hash-blocks.ts'),
  },
  'prove-chunks': {
    ...http('prove-chunks'),
    invoke: true,
    callers: ['owner', 'device', 'signer', 'agent'],
    delivers: 'digests',
    may: { objects: 'read', table: 'read-write', chain: 'read' },
    limits: { timeoutMs: 29_000, bodyBytes: 65_536, memoryMb: 1_769 },
    request: { params: ofDataset, query: underAgreement, body: proveChunksRequest },
    response: DAG_CBOR,
    module: 'prove-chunks.ts',
    load: (): Promise<FunctionModule> => import('./prove-chunks.ts'),
  },
  'get-block': {
    ...http('get-block'),
    invoke: false,
    callers: ['owner', 'signer', 'agent'],
    delivers: 'blocks',
    may: { objects: 'read', table: 'read-write', chain: 'read' },
    limits: { timeoutMs: 20_000, bodyBytes: 0, memoryMb: 512 },
    request: { params: z.strictObject({ dataset, index: indexParameter }), query: underAgreement, body: nothing },
    response: { media: 'application/octet-stream' },
    module: 'get-block.ts',
    load: (): Promise<FunctionModule> => import('./get-block.ts'),
  },
  'get-segment': {
    ...http('get-segment'),
    invoke: false,
    callers: ['owner', 'device', 'signer', 'agent'],
    delivers: 'blocks',
    may: { objects: 'presign', table: 'read-write', chain: 'read' },
    limits: { timeoutMs: 20_000, bodyBytes: 0, memoryMb: 512 },
    request: { params: z.strictObject({ dataset, first: indexParameter }), query: underAgreement, body: nothing },
    response: { json: getSegmentResponse },
    module: 'get-segment.ts',
    load: (): Promise<FunctionModule> => import('./get-segment.ts'),
  },
  'publish-segment': {
    ...http('publish-segment'),
    invoke: false,
    callers: ['owner'],
    may: { objects: 'read', table: 'read-write', chain: 'read', ipfs: 'import' },
    limits: { timeoutMs: 29_000, bodyBytes: 0, memoryMb: 1_769 },
    request: { params: z.strictObject({ dataset, first: indexParameter }), query: noQuery, body: nothing },
    // 202: it is pinned then; that other peers find it takes its time.
    response: { json: publishSegmentResponse, status: 202 },
    module: 'publish-segment.ts',
    load: (): Promise<FunctionModule> => import('./publish-segment.ts'),
  },
  'get-records': {
    ...http('get-records'),
    invoke: false,
    callers: 'anyone',
    may: { objects: 'read', table: 'read-write' },
    limits: { timeoutMs: 29_000, bodyBytes: 32_768, memoryMb: 1_769 },
    request: { params: ofDataset, query: noQuery, body: getRecordsRequest },
    response: DAG_CBOR,
    module: 'get-records.ts',
    load: (): Promise<FunctionModule> => import('./get-records.ts'),
  },
  'store-voucher': {
    ...http('store-voucher'),
    invoke: false,
    callers: ['signer'],
    may: { table: 'read-write', chain: 'read' },
    limits: { timeoutMs: 20_000, bodyBytes: 1_024, memoryMb: 512 },
    request: { params: ofAgreement, query: noQuery, body: storeVoucherRequest },
    response: { json: storeVoucherResponse },
    module: 'store-voucher.ts',
    load: (): Promise<FunctionModule> => import('./store-voucher.ts'),
  },
  'get-voucher': {
    ...http('get-voucher'),
    invoke: false,
    callers: ['agent', 'signer'],
    may: { table: 'read-write', chain: 'read' },
    limits: { timeoutMs: 20_000, bodyBytes: 0, memoryMb: 512 },
    request: { params: ofAgreement, query: noQuery, body: nothing },
    response: { json: getVoucherResponse },
    module: 'get-voucher.ts',
    load: (): Promise<FunctionModule> => import('./get-voucher.ts'),
  },
  'post-message': {
    ...http('post-message'),
    invoke: false,
    callers: ['agent', 'signer'],
    may: { table: 'read-write', chain: 'read' },
    limits: { timeoutMs: 20_000, bodyBytes: 132_096, memoryMb: 512 },
    request: { params: ofAgreement, query: noQuery, body: postMessageRequest },
    response: { json: postMessageResponse },
    module: 'post-message.ts',
    load: (): Promise<FunctionModule> => import('./post-message.ts'),
  },
  'list-messages': {
    ...http('list-messages'),
    invoke: false,
    callers: ['agent', 'signer'],
    may: { table: 'read-write', chain: 'read' },
    limits: { timeoutMs: 20_000, bodyBytes: 0, memoryMb: 512 },
    request: { params: ofAgreement, query: listMessagesQuery, body: nothing },
    response: DAG_CBOR,
    module: 'list-messages.ts',
    load: (): Promise<FunctionModule> => import('./list-messages.ts'),
  },
  'get-openapi': {
    ...http('get-openapi'),
    invoke: false,
    callers: 'anyone',
    may: {},
    limits: { timeoutMs: 10_000, bodyBytes: 0, memoryMb: 512 },
    request: { params: noParameters, query: noQuery, body: nothing },
    response: { json: z.looseObject({ openapi: z.string() }) },
    module: 'get-openapi.ts',
    load: (): Promise<FunctionModule> => import('./get-openapi.ts'),
  },
} as const satisfies { readonly [Name in RouteName]: HttpRow & { readonly name: Name } };

export const eventRows = {
  'ingest-segment': {
    name: 'ingest-segment',
    trigger: { kind: 's3-event', events: ['s3:ObjectCreated:*'] },
    invoke: false,
    callers: 'service',
    may: { objects: 'read', table: 'read-write', chain: 'read', queue: 'wake' },
    limits: { timeoutMs: 29_000, bodyBytes: 262_144, memoryMb: 1_769 },
    module: 'ingest-segment.ts',
    load: (): Promise<FunctionModule> => import('./ingest-segment.ts'),
  },
  'segment-removed': {
    name: 'segment-removed',
    trigger: { kind: 's3-event', events: ['s3:ObjectRemoved:*', 's3:LifecycleExpiration:*'] },
    invoke: false,
    callers: 'service',
    may: { objects: 'read', table: 'read-write', chain: 'read', queue: 'wake' },
    limits: { timeoutMs: 29_000, bodyBytes: 262_144, memoryMb: 512 },
    module: 'segment-removed.ts',
    load: (): Promise<FunctionModule> => import('./segment-removed.ts'),
  },
  anchor: {
    name: 'anchor',
    trigger: { kind: 'queue', everyMs: 60_000 },
    invoke: false,
    callers: 'service',
    may: { objects: 'read', table: 'read-write', chain: 'record' },
    limits: { timeoutMs: 29_000, bodyBytes: 262_144, memoryMb: 512 },
    module: 'anchor.ts',
    load: (): Promise<FunctionModule> => import('./anchor.ts'),
  },
} as const satisfies Readonly<Record<string, FunctionRow>>;

export const functionRows: readonly FunctionRow[] = [...Object.values(httpRows), ...Object.values(eventRows)];
