import * as z from 'zod';
import type { AgreementId, DatasetId } from '../core/ids.ts';
import {
  agreementParameter,
  datasetParameter,
  getAnchorQuery,
  getAnchorResponse,
  getDescriptionsRequest,
  getDescriptionsResponse,
  getRecordsRequest,
  getSegmentResponse,
  getVoucherResponse,
  hashBlocksRequest,
  indexParameter,
  listBatchesQuery,
  listBatchesResponse,
  listMessagesQuery,
  listRequestsQuery,
  listRequestsResponse,
  postMessageRequest,
  postMessageResponse,
  proveChunksRequest,
  publishSegmentResponse,
  putCharterResponse,
  putDescriptionRequest,
  putDescriptionResponse,
  putRequestRequest,
  putRequestResponse,
  storeVoucherRequest,
  storeVoucherResponse,
  underAgreementQuery,
  uploadSegmentRequest,
  uploadSegmentResponse,
  wireCharter,
} from '../core/wire/requests.ts';
import type { EventRow, FunctionRow, HttpRow } from './row.ts';

/*
 * The one list of functions (specification#functions), as data: deployment, local host, interface description and typed
 * client are derived from it, and nothing here knows a function's code.
 *
 * Each row stands for itself, made by a call without effects, so that the bundle of one function has the row of that
 * function alone: changing a row changes the asset of its function and of the interface description, and no other.
 */
const httpRow = <const Row extends HttpRow>(row: () => Row): Row => row();
const eventRow = <const Row extends EventRow>(row: () => Row): Row => row();

const dataset = () => datasetParameter.transform((text) => text as DatasetId);
const ofDataset = () => z.strictObject({ dataset: dataset() });
const ofBatch = () => z.strictObject({ dataset: dataset(), first: indexParameter });
const ofAgreement = () => z.strictObject({ agreement: agreementParameter.transform((text) => text as AgreementId) });
const underAgreement = () =>
  underAgreementQuery.transform(({ agreement }) => ({ agreement: agreement as AgreementId | undefined }));
const nothing = () => z.undefined();
const noParameters = () => z.strictObject({});
const dagCbor = { media: 'application/vnd.ipld.dag-cbor' } as const;

/** Of segments' keys (core/batch/segment-key.ts); tiles and charters have none. */
const SEGMENT_SUFFIX = '.car';
const MINUTE_SECONDS = 60;
const DAY_SECONDS = 86_400;

export const uploadSegmentRow = /* @__PURE__ */ httpRow(() => ({
  name: 'upload-segment',
  trigger: { kind: 'http', method: 'POST', path: '/v1/datasets/{dataset}/segments' },
  invoke: false,
  callers: ['device'],
  may: { objects: 'read-presign-put', table: 'read-write', dissc: 'read', asc: 'read', owners: 'read', queue: 'wake' },
  limits: { timeoutMs: 29_000, bodyBytes: 4_096, memoryMb: 512, presignedSeconds: 15 * MINUTE_SECONDS },
  request: { params: ofDataset(), query: noParameters(), body: uploadSegmentRequest },
  response: { json: uploadSegmentResponse },
}));

export const listBatchesRow = /* @__PURE__ */ httpRow(() => ({
  name: 'list-batches',
  trigger: { kind: 'http', method: 'GET', path: '/v1/datasets/{dataset}/batches' },
  invoke: false,
  callers: ['device', 'owner'],
  may: { table: 'read-write', dissc: 'read' },
  limits: { timeoutMs: 20_000, bodyBytes: 0, memoryMb: 512 },
  request: { params: ofDataset(), query: listBatchesQuery, body: nothing() },
  response: { json: listBatchesResponse },
}));

export const hashBlocksRow = /* @__PURE__ */ httpRow(() => ({
  name: 'hash-blocks',
  trigger: { kind: 'http', method: 'POST', path: '/v1/datasets/{dataset}/hashes' },
  invoke: true,
  callers: ['owner', 'signer', 'agent'],
  delivers: 'digests',
  may: { objects: 'read', table: 'read-write', dissc: 'read', ocasc: 'read', asc: 'read', owners: 'read' },
  limits: { timeoutMs: 29_000, bodyBytes: 32_768, memoryMb: 1_769 },
  request: { params: ofDataset(), query: underAgreement(), body: hashBlocksRequest },
  response: dagCbor,
}));

export const proveChunksRow = /* @__PURE__ */ httpRow(() => ({
  name: 'prove-chunks',
  trigger: { kind: 'http', method: 'POST', path: '/v1/datasets/{dataset}/proofs' },
  invoke: true,
  callers: ['owner', 'device', 'signer', 'agent'],
  delivers: 'digests',
  may: { objects: 'read', table: 'read-write', dissc: 'read', ocasc: 'read', asc: 'read', owners: 'read' },
  limits: { timeoutMs: 29_000, bodyBytes: 65_536, memoryMb: 1_769 },
  request: { params: ofDataset(), query: underAgreement(), body: proveChunksRequest },
  response: dagCbor,
}));

export const getBlockRow = /* @__PURE__ */ httpRow(() => ({
  name: 'get-block',
  trigger: { kind: 'http', method: 'GET', path: '/v1/datasets/{dataset}/blocks/{index}' },
  invoke: false,
  callers: ['owner', 'signer', 'agent'],
  delivers: 'blocks',
  may: { objects: 'read', table: 'read-write', dissc: 'read', ocasc: 'read', asc: 'read', owners: 'read' },
  limits: { timeoutMs: 20_000, bodyBytes: 0, memoryMb: 512 },
  request: {
    params: z.strictObject({ dataset: dataset(), index: indexParameter }),
    query: underAgreement(),
    body: nothing(),
  },
  response: { media: 'application/octet-stream' },
}));

export const getSegmentRow = /* @__PURE__ */ httpRow(() => ({
  name: 'get-segment',
  trigger: { kind: 'http', method: 'GET', path: '/v1/datasets/{dataset}/segments/{first}' },
  invoke: false,
  callers: ['owner', 'device', 'signer', 'agent'],
  delivers: 'blocks',
  may: { objects: 'presign-get', table: 'read-write', dissc: 'read', ocasc: 'read', asc: 'read', owners: 'read' },
  // Long enough to begin, too short to pass on.
  limits: { timeoutMs: 20_000, bodyBytes: 0, memoryMb: 512, presignedSeconds: 15 },
  request: { params: ofBatch(), query: underAgreement(), body: nothing() },
  response: { json: getSegmentResponse },
}));

export const publishSegmentRow = /* @__PURE__ */ httpRow(() => ({
  name: 'publish-segment',
  trigger: { kind: 'http', method: 'POST', path: '/v1/datasets/{dataset}/segments/{first}/ipfs' },
  invoke: false,
  callers: ['owner'],
  may: { objects: 'read', table: 'read-write', dissc: 'read', ipfs: 'import' },
  limits: { timeoutMs: 29_000, bodyBytes: 0, memoryMb: 1_769 },
  request: { params: ofBatch(), query: noParameters(), body: nothing() },
  // 202: it is pinned then; that other peers find it takes its time.
  response: { json: publishSegmentResponse, status: 202 },
}));

export const getRecordsRow = /* @__PURE__ */ httpRow(() => ({
  name: 'get-records',
  trigger: { kind: 'http', method: 'POST', path: '/v1/datasets/{dataset}/records' },
  invoke: false,
  callers: 'anyone',
  may: { objects: 'read', table: 'read' },
  limits: { timeoutMs: 29_000, bodyBytes: 32_768, memoryMb: 1_769 },
  request: { params: ofDataset(), query: noParameters(), body: getRecordsRequest },
  response: dagCbor,
}));

export const getAnchorRow = /* @__PURE__ */ httpRow(() => ({
  name: 'get-anchor',
  trigger: { kind: 'http', method: 'GET', path: '/v1/datasets/{dataset}/anchor' },
  invoke: false,
  callers: 'anyone',
  may: { objects: 'read', table: 'read' },
  limits: { timeoutMs: 20_000, bodyBytes: 0, memoryMb: 512 },
  request: { params: ofDataset(), query: getAnchorQuery, body: nothing() },
  response: { json: getAnchorResponse },
}));

export const putCharterRow = /* @__PURE__ */ httpRow(() => ({
  name: 'put-charter',
  trigger: { kind: 'http', method: 'POST', path: '/v1/datasets/{dataset}/charter' },
  invoke: false,
  // The owner's signature is in what is sent.
  callers: 'anyone',
  may: { objects: 'read-put', table: 'read-write', dissc: 'read', asc: 'read', owners: 'read' },
  limits: { timeoutMs: 20_000, bodyBytes: 2_048, memoryMb: 512 },
  request: { params: ofDataset(), query: noParameters(), body: wireCharter },
  response: { json: putCharterResponse },
}));

export const putDescriptionRow = /* @__PURE__ */ httpRow(() => ({
  name: 'put-description',
  trigger: { kind: 'http', method: 'POST', path: '/v1/agreements/{agreement}/description' },
  invoke: false,
  // The owner's signature is in what is sent.
  callers: 'anyone',
  may: { table: 'read-write', ocasc: 'read', asc: 'read', owners: 'read' },
  limits: { timeoutMs: 20_000, bodyBytes: 12_288, memoryMb: 512 },
  request: { params: ofAgreement(), query: noParameters(), body: putDescriptionRequest },
  response: { json: putDescriptionResponse },
}));

export const getDescriptionsRow = /* @__PURE__ */ httpRow(() => ({
  name: 'get-descriptions',
  trigger: { kind: 'http', method: 'POST', path: '/v1/descriptions' },
  invoke: false,
  callers: 'anyone',
  may: { table: 'read' },
  limits: { timeoutMs: 20_000, bodyBytes: 4_096, memoryMb: 512 },
  request: { params: noParameters(), query: noParameters(), body: getDescriptionsRequest },
  response: { json: getDescriptionsResponse },
}));

export const putRequestRow = /* @__PURE__ */ httpRow(() => ({
  name: 'put-request',
  trigger: { kind: 'http', method: 'POST', path: '/v1/requests' },
  invoke: false,
  // The signature of whoever would buy is in what is sent.
  callers: 'anyone',
  may: { table: 'read-write', ocasc: 'read', asc: 'read', owners: 'read' },
  limits: { timeoutMs: 20_000, bodyBytes: 8_192, memoryMb: 512 },
  request: { params: noParameters(), query: noParameters(), body: putRequestRequest },
  response: { json: putRequestResponse },
}));

export const listRequestsRow = /* @__PURE__ */ httpRow(() => ({
  name: 'list-requests',
  trigger: { kind: 'http', method: 'GET', path: '/v1/requests' },
  invoke: false,
  callers: 'anyone',
  may: { table: 'read' },
  limits: { timeoutMs: 20_000, bodyBytes: 0, memoryMb: 512 },
  request: { params: noParameters(), query: listRequestsQuery, body: nothing() },
  response: { json: listRequestsResponse },
}));

export const storeVoucherRow = /* @__PURE__ */ httpRow(() => ({
  name: 'store-voucher',
  trigger: { kind: 'http', method: 'POST', path: '/v1/agreements/{agreement}/vouchers' },
  invoke: false,
  callers: ['signer'],
  may: { table: 'read-write', ocasc: 'read', asc: 'read', owners: 'read' },
  limits: { timeoutMs: 20_000, bodyBytes: 1_024, memoryMb: 512 },
  request: { params: ofAgreement(), query: noParameters(), body: storeVoucherRequest },
  response: { json: storeVoucherResponse },
}));

export const getVoucherRow = /* @__PURE__ */ httpRow(() => ({
  name: 'get-voucher',
  trigger: { kind: 'http', method: 'GET', path: '/v1/agreements/{agreement}/vouchers' },
  invoke: false,
  callers: ['agent', 'signer'],
  may: { table: 'read-write', ocasc: 'read', asc: 'read', owners: 'read' },
  limits: { timeoutMs: 20_000, bodyBytes: 0, memoryMb: 512 },
  request: { params: ofAgreement(), query: noParameters(), body: nothing() },
  response: { json: getVoucherResponse },
}));

export const postMessageRow = /* @__PURE__ */ httpRow(() => ({
  name: 'post-message',
  trigger: { kind: 'http', method: 'POST', path: '/v1/agreements/{agreement}/messages' },
  invoke: false,
  callers: ['agent', 'signer'],
  may: { table: 'read-write', ocasc: 'read', asc: 'read', owners: 'read' },
  limits: { timeoutMs: 20_000, bodyBytes: 132_096, memoryMb: 512 },
  request: { params: ofAgreement(), query: noParameters(), body: postMessageRequest },
  response: { json: postMessageResponse },
}));

export const listMessagesRow = /* @__PURE__ */ httpRow(() => ({
  name: 'list-messages',
  trigger: { kind: 'http', method: 'GET', path: '/v1/agreements/{agreement}/messages' },
  invoke: false,
  callers: ['agent', 'signer'],
  may: { table: 'read-write', ocasc: 'read', asc: 'read', owners: 'read' },
  limits: { timeoutMs: 20_000, bodyBytes: 0, memoryMb: 512 },
  request: { params: ofAgreement(), query: listMessagesQuery, body: nothing() },
  response: dagCbor,
}));

export const getOpenapiRow = /* @__PURE__ */ httpRow(() => ({
  name: 'get-openapi',
  trigger: { kind: 'http', method: 'GET', path: '/v1/openapi.json' },
  invoke: false,
  callers: 'anyone',
  may: {},
  limits: { timeoutMs: 10_000, bodyBytes: 0, memoryMb: 512 },
  request: { params: noParameters(), query: noParameters(), body: nothing() },
  response: { json: z.looseObject({ openapi: z.string() }) },
}));

export const ingestSegmentRow = /* @__PURE__ */ eventRow(() => ({
  name: 'ingest-segment',
  trigger: {
    kind: 's3-event',
    events: ['s3:ObjectCreated:*'],
    suffix: SEGMENT_SUFFIX,
    queue: {
      // Each may be a segment of 33 MiB, and all of a batch share the function's time.
      batch: 5,
      // A small account has ten invocations at once for everything: uploads and the anchor need some of them.
      atOnce: 4,
      receives: 5,
      keptSeconds: 14 * DAY_SECONDS,
      putAside: {
        alarm: 'IngestDeadLetters',
        says: 'Events of stored segments failed five times, so those segments are not checked in. Fix the cause, then redrive the queue.',
      },
    },
  },
  invoke: false,
  callers: 'service',
  may: { objects: 'read', table: 'read-write', dissc: 'read', asc: 'read', owners: 'read', queue: 'wake' },
  limits: { timeoutMs: 29_000, bodyBytes: 262_144, memoryMb: 1_769 },
}));

export const segmentRemovedRow = /* @__PURE__ */ eventRow(() => ({
  name: 'segment-removed',
  trigger: {
    kind: 's3-event',
    events: ['s3:ObjectRemoved:*', 's3:LifecycleExpiration:*'],
    suffix: SEGMENT_SUFFIX,
    queue: {
      batch: 5,
      // The least that Lambda takes.
      atOnce: 2,
      receives: 5,
      keptSeconds: 14 * DAY_SECONDS,
      putAside: {
        alarm: 'RemovalDeadLetters',
        says: 'Events of removed objects failed five times, so segments may be lost unnoticed. Fix the cause, then redrive the queue.',
      },
    },
  },
  invoke: false,
  callers: 'service',
  may: { objects: 'read', table: 'read-write', dissc: 'read', asc: 'read', owners: 'read', queue: 'wake' },
  limits: { timeoutMs: 29_000, bodyBytes: 262_144, memoryMb: 512 },
}));

export const anchorRow = /* @__PURE__ */ eventRow(() => ({
  name: 'anchor',
  trigger: {
    kind: 'wake',
    everyMs: 60_000,
    queue: {
      // Many wake-ups make one run.
      batch: 10,
      atOnce: null,
      receives: 3,
      // An old wake-up says nothing: the next minute's does as well.
      keptSeconds: 60 * MINUTE_SECONDS,
      putAside: {
        alarm: 'AnchorDeadLetters',
        says: 'The anchor failed three times for the same wake-up. Fix the cause; you may purge the dead letters.',
      },
    },
  },
  invoke: false,
  callers: 'service',
  may: { objects: 'read-put', table: 'read-write', dissc: 'record', asc: 'record', owners: 'read' },
  // A whole processor: a run over ten thousand heads is mostly hashing and the table's answers.
  limits: { timeoutMs: 29_000, bodyBytes: 262_144, memoryMb: 1_769 },
}));

export const reconcileSegmentsRow = /* @__PURE__ */ eventRow(() => ({
  name: 'reconcile-segments',
  trigger: {
    kind: 'wake',
    everyMs: 5 * MINUTE_SECONDS * 1_000,
    queue: {
      batch: 10,
      // One after the other: they share a cursor.
      atOnce: null,
      receives: 3,
      keptSeconds: 60 * MINUTE_SECONDS,
      putAside: {
        alarm: 'ReconcileDeadLetters',
        says: 'The reconciliation failed three times, so lost events stay lost. Fix the cause; you may purge the dead letters.',
      },
    },
  },
  invoke: false,
  callers: 'service',
  may: { objects: 'read-list-aside', table: 'read-write', dissc: 'read', asc: 'read', owners: 'read', queue: 'wake' },
  limits: { timeoutMs: 29_000, bodyBytes: 262_144, memoryMb: 1_769 },
}));

export const httpRows = {
  'upload-segment': uploadSegmentRow,
  'list-batches': listBatchesRow,
  'hash-blocks': hashBlocksRow,
  'prove-chunks': proveChunksRow,
  'get-block': getBlockRow,
  'get-segment': getSegmentRow,
  'publish-segment': publishSegmentRow,
  'get-records': getRecordsRow,
  'get-anchor': getAnchorRow,
  'put-charter': putCharterRow,
  'put-description': putDescriptionRow,
  'get-descriptions': getDescriptionsRow,
  'put-request': putRequestRow,
  'list-requests': listRequestsRow,
  'store-voucher': storeVoucherRow,
  'get-voucher': getVoucherRow,
  'post-message': postMessageRow,
  'list-messages': listMessagesRow,
  'get-openapi': getOpenapiRow,
} as const satisfies Readonly<Record<string, HttpRow>>;

export const eventRows = {
  'ingest-segment': ingestSegmentRow,
  'segment-removed': segmentRemovedRow,
  anchor: anchorRow,
  'reconcile-segments': reconcileSegmentsRow,
} as const satisfies Readonly<Record<string, EventRow>>;

/** Functions that are called over HTTP, and all of them. */
export type RouteName = keyof typeof httpRows;
export type EventName = keyof typeof eventRows;
export type FunctionName = RouteName | EventName;

/** All rows. */
export const functionRows: readonly (FunctionRow & { readonly name: FunctionName })[] = /* @__PURE__ */ (() => [
  ...Object.values(httpRows),
  ...Object.values(eventRows),
])();
