import { httpTransport } from '../../adapters/service/http-transport.ts';
import { fromHex, to0x } from '../../core/bytes.ts';
import { charterToWire } from '../../core/charter/wire-charter.ts';
import { AnswerError, RequestRefusedError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import { MAX_BLOCK_BYTES } from '../../core/limits.ts';
import type { SignedText } from '../../core/market/signed-text.ts';
import { inAnswer } from '../../core/parse-outside.ts';
import type { AgreementService, MarketService, SegmentPublisher, StorageService } from '../../core/ports/service.ts';
import { decodeHashedBlocks, decodeProvenChunks, decodeRecords } from '../../core/wire/answers.ts';
import { decodeMessagePage } from '../../core/wire/messages.ts';
import { MAX_DESCRIPTIONS } from '../../core/wire/requests.ts';
import { anchorFromWire } from './anchor-from-wire.ts';
import { createServiceCaller, type ServiceTarget } from './call-service.ts';

/** What get-block says of a block that it does not have; any other refusal is one of the request. */
const BLOCK_PROBLEMS = ['/problems/unrecorded', '/problems/block-unavailable'];

const MAX_REQUEST_PAGES = 16;

/**
 * The storage service as owners, devices and consumers use it.
 *
 * @example
 * const { apiUrl, chainId } = connection;
 * const client = createStorageServiceClient({ apiUrl, chainId, account: owner, runtime });
 * const { batches } = await client.listBatches(dataset, { by: 'block', from: 0, to: 3 });
 * console.log(batches.length); // 1
 */
export function createStorageServiceClient(
  // How requests travel: over HTTP unless it is said otherwise.
  target: Omit<ServiceTarget, 'transport'> & Partial<Pick<ServiceTarget, 'transport'>>,
): StorageService & SegmentPublisher & AgreementService & MarketService {
  const { service, call, callJson } = createServiceCaller({ transport: httpTransport, ...target });
  const { agreement } = target;
  const under = agreement === undefined ? {} : { query: { agreement } };
  return {
    async uploadSegment(dataset, segment, signal) {
      const body = { ...segment, sha256: to0x(segment.sha256) };
      return callJson('upload-segment', { dataset }, { body, signal });
    },
    async listBatches(dataset, query, signal) {
      return callJson('list-batches', { dataset }, { query, signal });
    },
    async getSegment(dataset, first, signal) {
      return callJson('get-segment', { dataset, first }, { ...under, signal });
    },
    async publishSegment(dataset, first, signal) {
      return callJson('publish-segment', { dataset, first }, { signal });
    },
    async hashBlocks(dataset, blocks, signal) {
      const { body } = await call('hash-blocks', { dataset }, { ...under, body: { blocks }, signal });
      return inAnswer(service, () => decodeHashedBlocks(body));
    },
    async proveChunks(dataset, challenges, signal) {
      const { body } = await call('prove-chunks', { dataset }, { ...under, body: { challenges }, signal });
      return inAnswer(service, () => decodeProvenChunks(body));
    },
    async getRecords(dataset, blocks, size, signal) {
      const { body } = await call('get-records', { dataset }, { body: { blocks, size }, signal });
      return inAnswer(service, () => decodeRecords(body));
    },
    async putCharter(dataset, charter, signal) {
      return callJson('put-charter', { dataset }, { body: charterToWire(charter), signal });
    },
    async getAnchor(dataset, { since, round } = {}, signal) {
      const query = { since, ...(round === undefined ? {} : { round: to0x(round) }) };
      const answer = await callJson('get-anchor', { dataset }, { query, signal });
      return inAnswer(service, () => anchorFromWire(dataset, answer));
    },
    async putDescription(agreement, { text, signature }, signal) {
      const body = { text, signature: to0x(signature) };
      return callJson('put-description', { agreement }, { body, signal });
    },
    async getDescriptions(agreements, signal) {
      const found = new Map<AgreementId, SignedText>();
      for (let from = 0; from < agreements.length; from += MAX_DESCRIPTIONS) {
        const asked = agreements.slice(from, from + MAX_DESCRIPTIONS);
        const { descriptions } = await callJson('get-descriptions', {}, { body: { agreements: asked }, signal });
        for (const { agreement, text, signature } of descriptions) {
          found.set(agreement as AgreementId, { text, signature: fromHex(signature) });
        }
      }
      return found;
    },
    async putRequest({ text, signature }, signal) {
      return callJson('put-request', {}, { body: { text, signature: to0x(signature) }, signal });
    },
    async listRequests(signal) {
      const found: SignedText[] = [];
      let cursor: string | null = null;
      // A service that pages for ever is not read for ever.
      for (let page = 0; page < MAX_REQUEST_PAGES; page++) {
        const query: Record<string, string> = cursor === null ? {} : { cursor };
        const { requests, next } = await callJson('list-requests', {}, { query, signal });
        found.push(...requests.map(({ text, signature }) => ({ text, signature: fromHex(signature) })));
        if (next === null) break;
        cursor = next;
      }
      return found;
    },
    async storeVoucher({ agreement, due }, signature, signal) {
      const body = { due: String(due), signature: to0x(signature) };
      return (await callJson('store-voucher', { agreement }, { body, signal })).due;
    },
    async getVoucher(agreement, signal) {
      const { voucher } = await callJson('get-voucher', { agreement }, { signal });
      return voucher === null ? null : { due: voucher.due, signature: fromHex(voucher.signature) };
    },
    async postMessage(message, signal) {
      const { agreement, to, sequence } = message;
      const [enc, ciphertext, signature] = [message.enc, message.ciphertext, message.signature].map(to0x);
      const body = { to, sequence, enc, ciphertext, signature };
      await callJson('post-message', { agreement }, { body, signal });
    },
    async listMessages(agreement, query, signal) {
      const { body } = await call('list-messages', { agreement }, { query, signal });
      return inAnswer(service, () => decodeMessagePage(agreement, body));
    },
    async getBlock(dataset, index, signal) {
      try {
        const response = await call('get-block', { dataset, index }, { ...under, signal });
        if (response.body.length > MAX_BLOCK_BYTES)
          throw new AnswerError(`${service} returned a block of more than 1 MiB.`);
        return { block: response.body, meta: fromBase64(response.headers['plumbline-meta'] ?? '') };
      } catch (cause) {
        if (cause instanceof RequestRefusedError && BLOCK_PROBLEMS.some((type) => cause.type.endsWith(type))) {
          return { index, kind: 'unavailable', reason: cause.shortMessage };
        }
        throw cause;
      }
    },
  };
}

/** Standard base64; what is not is no meta, which nobody takes for one. */
function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}
