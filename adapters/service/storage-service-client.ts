import type * as z from 'zod';
import { fromHex, to0x } from '../../core/bytes.ts';
import { AnswerError, RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import { MAX_BLOCK_BYTES } from '../../core/limits.ts';
import { inAnswer } from '../../core/parse-outside.ts';
import type { AgreementService, SegmentPublisher, StorageService } from '../../core/ports/service.ts';
import { decodeHashedBlocks, decodeProvenChunks, decodeRecords } from '../../core/wire/answers.ts';
import { decodeMessagePage } from '../../core/wire/messages.ts';
import {
  getSegmentResponse,
  getVoucherResponse,
  listBatchesResponse,
  type ProblemDocument,
  postMessageResponse,
  problemDocument,
  publishSegmentResponse,
  storeVoucherResponse,
  uploadSegmentResponse,
} from '../../core/wire/requests.ts';
import { httpRows, type RouteName } from '../../functions/table.ts';
import { createRequestSigner, type RequestSigner, type UnsignedRequest } from '../http-signature/sign-request.ts';
import { httpTransport } from './http-transport.ts';
import type { Transport, TransportResponse } from './transport.ts';

/** The account that signs requests. */
export interface RequestAccount {
  readonly address: string;
  /** EIP-191 signature of a message, 0x-hex. */
  signMessage(message: Uint8Array): Promise<string>;
}

export interface ServiceTarget {
  /** Origin of the service; what is signed as the authority, also when a request travels by Lambda Invoke. */
  readonly apiUrl: string;
  readonly chainId: number;
  readonly account: RequestAccount;
  /** Under which agreement blocks are asked for, by its consumer's signer or its owner's agent. */
  readonly agreement?: AgreementId;
  /** How requests travel; HTTP when absent. */
  readonly transport?: Transport;
  /** For one request and its answer. */
  readonly timeoutMs?: number;
  readonly nowMs?: () => number;
}

const DEFAULT_TIMEOUT_MS = 35_000;
const CLOCK_PROBLEM = '/problems/clock';
/** What get-block says of a block that it does not have; any other refusal is one of the request. */
const BLOCK_PROBLEMS = ['/problems/unrecorded', '/problems/block-unavailable'];

type Parameters = Readonly<Record<string, string | number>>;
interface CallOptions {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The storage service over signed HTTP or Lambda Invoke. When the service refuses the caller's clock it says its own
 * time; the request is then signed again with that offset, once.
 */
export function createStorageServiceClient(
  target: ServiceTarget,
): StorageService & SegmentPublisher & AgreementService {
  const transport = target.transport ?? httpTransport;
  const nowMs = target.nowMs ?? Date.now;
  const timeoutMs = target.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const { agreement } = target;
  /** For errors: all of an answer that is not what the interface says comes from there. */
  const service = `The service at ${new URL(target.apiUrl).origin}`;
  const under = agreement === undefined ? {} : { query: { agreement } };
  let clockOffsetMs = 0;
  const signer: RequestSigner = createRequestSigner(
    (message) => target.account.signMessage(message),
    { address: target.account.address, chainId: target.chainId },
    { clockOffsetMs: () => clockOffsetMs },
  );

  async function call(route: RouteName, parameters: Parameters, options: CallOptions = {}): Promise<TransportResponse> {
    const unsigned = requestFor(target.apiUrl, route, parameters, options);
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
    try {
      const send = async () => transport(route, await signer.signRequest(unsigned, { nowMs: nowMs() }), signal);
      let response = await send();
      const problem = problemOf(response);
      if (problem?.type.endsWith(CLOCK_PROBLEM) === true && problem.serverTimeMs !== undefined) {
        clockOffsetMs = problem.serverTimeMs - nowMs();
        response = await send();
      }
      return requireSuccess(service, route, response);
    } catch (cause) {
      options.signal?.throwIfAborted();
      if (timeout.aborted)
        throw new StoreUnavailableError(`${service} did not answer ${route} within ${timeoutMs} ms.`, { cause });
      throw cause;
    }
  }

  return {
    async uploadSegment(dataset, segment, signal) {
      const body = { ...segment, sha256: to0x(segment.sha256) };
      return json(service, uploadSegmentResponse, await call('upload-segment', { dataset }, { body, signal }));
    },
    async listBatches(dataset, query, signal) {
      return json(service, listBatchesResponse, await call('list-batches', { dataset }, { query, signal }));
    },
    async getSegment(dataset, first, signal) {
      return json(service, getSegmentResponse, await call('get-segment', { dataset, first }, { ...under, signal }));
    },
    async publishSegment(dataset, first, signal) {
      return json(service, publishSegmentResponse, await call('publish-segment', { dataset, first }, { signal }));
    },
    async hashBlocks(dataset, blocks, signal) {
      const { body } = await call('hash-blocks', { dataset }, { ...under, body: { blocks }, signal });
      return inAnswer(service, () => decodeHashedBlocks(body));
    },
    async proveChunks(dataset, challenges, signal) {
      const { body } = await call('prove-chunks', { dataset }, { ...under, body: { challenges }, signal });
      return inAnswer(service, () => decodeProvenChunks(body));
    },
    async getRecords(dataset, blocks, batches, signal) {
      const { body } = await call('get-records', { dataset }, { body: { blocks, batches }, signal });
      return inAnswer(service, () => decodeRecords(body));
    },
    async storeVoucher({ agreement, due }, signature, signal) {
      const body = { due: String(due), signature: to0x(signature) };
      return json(service, storeVoucherResponse, await call('store-voucher', { agreement }, { body, signal })).due;
    },
    async getVoucher(agreement, signal) {
      const { voucher } = json(service, getVoucherResponse, await call('get-voucher', { agreement }, { signal }));
      return voucher === null ? null : { due: voucher.due, signature: fromHex(voucher.signature) };
    },
    async postMessage(message, signal) {
      const { agreement, to, sequence } = message;
      const [enc, ciphertext, signature] = [message.enc, message.ciphertext, message.signature].map(to0x);
      const body = { to, sequence, enc, ciphertext, signature };
      json(service, postMessageResponse, await call('post-message', { agreement }, { body, signal }));
    },
    async listMessages(agreement, query, signal) {
      const { body } = await call('list-messages', { agreement }, { query, signal });
      return inAnswer(service, () => decodeMessagePage(agreement, body));
    },
    async getBlock(dataset, index, signal) {
      try {
        const response = await call('get-block', { dataset, index }, { ...under, signal });
        if (response.body.length > MAX_BLOCK_BYTES)
          throw new AnswerError(`${service} gives a block of more than 1 MiB.`);
        return { block: response.body, meta: Buffer.from(response.headers['plumbline-meta'] ?? '', 'base64') };
      } catch (cause) {
        if (cause instanceof RequestRefusedError && BLOCK_PROBLEMS.some((type) => cause.type.endsWith(type))) {
          return { index, kind: 'unavailable', reason: cause.shortMessage };
        }
        throw cause;
      }
    },
  };
}

function requestFor(apiUrl: string, route: RouteName, parameters: Parameters, options: CallOptions): UnsignedRequest {
  const { method, path } = httpRows[route].trigger;
  const url = new URL(fillPath(path, parameters), apiUrl);
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const request = { method, url: url.href };
  if (options.body === undefined) return request;
  return {
    ...request,
    headers: { 'content-type': 'application/json' },
    body: new TextEncoder().encode(JSON.stringify(options.body)),
  };
}

/** A route's path with its parameters filled in. They are hex or decimal, so nothing needs escaping. */
function fillPath(path: string, parameters: Parameters): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => String(parameters[name]));
}

/** Only a problem document, or JSON of what stands before the functions, is the service's own refusal; a proxy answers pages. */
function requireSuccess(service: string, route: RouteName, response: TransportResponse): TransportResponse {
  if (isPage(response)) {
    throw new AnswerError(
      `${service} answers ${route} with a page (status ${response.status}), not with what its interface says. Is the address right?`,
      { details: { status: response.status } },
    );
  }
  if (response.status === 200 || response.status === 202) return response;
  const problem = problemOf(response);
  if (response.status >= 400 && response.status < 500 && response.status !== 429) {
    const said = problem?.detail ?? problem?.title ?? 'no reason given';
    throw new RequestRefusedError(`${service} refuses ${route} (${response.status}): ${said}`, {
      type: problem?.type ?? 'about:blank',
      status: response.status,
    });
  }
  throw new StoreUnavailableError(`${service} answers ${route} with ${response.status}. Try again later.`, {
    details: { status: response.status },
  });
}

function isPage({ status, headers, body }: TransportResponse): boolean {
  if (status >= 500 || status === 429) return false;
  if (status >= 300 && status < 400) return true;
  if (/^text\/html\b/i.test(headers['content-type'] ?? '')) return true;
  return status >= 400 && body.length > 0 && !/^\s*\{/.test(new TextDecoder().decode(body.subarray(0, 100)));
}

function problemOf(response: TransportResponse): ProblemDocument | null {
  if (response.status < 400) return null;
  try {
    return problemDocument.parse(JSON.parse(new TextDecoder().decode(response.body)));
  } catch {
    return null;
  }
}

function json<T extends z.ZodType>(service: string, schema: T, response: TransportResponse): z.output<T> {
  return inAnswer(service, () => schema.parse(JSON.parse(new TextDecoder().decode(response.body))));
}
