import { createHash, randomBytes } from 'node:crypto';
import * as asn1js from 'asn1js';
import { AlgorithmIdentifier, MessageImprint, PKIStatus, TimeStampReq, TimeStampResp } from 'pkijs';
import { AnswerError, ArgumentError, PlumblineError, StoreUnavailableError } from '../../core/errors.ts';
import { MAX_TIMESTAMP_BYTES, type TimestampFinding } from '../../core/evidence/timestamp.ts';
import { connectionFault } from '../connection-fault.ts';
import { readBody } from '../service/read-body.ts';
import { withDeadline } from '../with-deadline.ts';
import { readToken, SHA256 } from './read-token.ts';
import { verifyToken } from './verify-token.ts';

export interface RequestedToken {
  /** DER. */
  readonly token: Uint8Array;
  /** Checked but for the roots, which only its reader knows. */
  readonly finding: TimestampFinding;
}

/** Of an answer: the token, and what stands around it. */
const MAX_ANSWER_BYTES = MAX_TIMESTAMP_BYTES + 4_096;
const NONCE_BYTES = 16;
const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Asks a time-stamping authority for a token of a message (RFC 3161 over HTTP, §3.4), and checks what it answers. The authority learns a
 * hash and nothing else. http:// is as good as https://: what is answered is signed.
 * @throws ArgumentError when this is no such URL; StoreUnavailableError when it does not answer; AnswerError when what it answers is
 *   no token of this message
 */
export async function requestToken(
  url: string,
  message: Uint8Array,
  signal?: AbortSignal,
  timeoutMs = DEFAULT_TIMEOUT_MS,
): Promise<RequestedToken> {
  const authority = parseUrl(url);
  // The first byte keeps the number positive and of one form.
  const nonce = Uint8Array.from(randomBytes(NONCE_BYTES), (byte, at) => (at === 0 ? (byte & 0x3f) | 0x40 : byte));
  const answer = await post(authority, encodeRequest(message, nonce), timeoutMs, signal);
  const from = `The time-stamping authority at ${authority.host}`;
  const token = tokenOf(from, answer);
  try {
    const finding = await verifyToken(token, message, null);
    const { info } = readToken(token);
    const echoed = info.nonce === undefined ? null : Buffer.from(info.nonce.valueBlock.valueHexView);
    if (echoed === null || !echoed.equals(nonce)) {
      throw new AnswerError(`${from} answered a different request, because its nonce differs. Ask again.`);
    }
    return { token, finding };
  } catch (cause) {
    if (!(cause instanceof PlumblineError) || cause instanceof AnswerError) throw cause;
    throw new AnswerError(`${from} returned an invalid time-stamp. ${cause.shortMessage}`, { cause });
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new ArgumentError('The URL of a time-stamping authority must begin with https:// or http://.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new ArgumentError(
      'Others on this machine could see a password in the URL. Name a time-stamping authority that needs none.',
    );
  }
  return url;
}

function encodeRequest(message: Uint8Array, nonce: Uint8Array): Uint8Array {
  const hashed = createHash('sha256').update(message).digest();
  const request = new TimeStampReq({
    version: 1,
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({ algorithmId: SHA256, algorithmParams: new asn1js.Null() }),
      hashedMessage: new asn1js.OctetString({ valueHex: hashed }),
    }),
    nonce: new asn1js.Integer({ valueHex: nonce }),
    certReq: true,
  });
  return new Uint8Array(request.toSchema().toBER());
}

function post(url: URL, body: Uint8Array, timeoutMs: number, signal?: AbortSignal): Promise<Uint8Array> {
  const who = `The time-stamping authority at ${url.host}`;
  const send = async (abortSignal: AbortSignal): Promise<Uint8Array> => {
    const headers = { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' };
    const response = await fetch(url, {
      ...{ method: 'POST', headers, body: new Uint8Array(body), redirect: 'manual', signal: abortSignal },
    });
    if (response.status === 200) return readBody(response, MAX_ANSWER_BYTES);
    await response.body?.cancel();
    if (response.status >= 500 || response.status === 429) {
      throw new StoreUnavailableError(`${who} failed (HTTP ${response.status}). Try again later.`);
    }
    throw new AnswerError(`${who} answers with HTTP ${response.status}, not with a time-stamp. Check its URL.`);
  };
  return withDeadline(timeoutMs, signal, send, (cause, timedOut) => {
    if (timedOut) return new StoreUnavailableError(`${who} did not answer within ${timeoutMs} ms. Try again later.`);
    const fault = connectionFault(cause, url.host);
    return new StoreUnavailableError(`${who} cannot be reached${fault === null ? '. Check its URL.' : `: ${fault}`}`);
  });
}

/** The token as it was signed, byte for byte. */
function tokenOf(from: string, answer: Uint8Array): Uint8Array {
  let read: TimeStampResp;
  try {
    read = TimeStampResp.fromBER(new Uint8Array(answer));
  } catch (cause) {
    throw new AnswerError(`${from} did not return a time-stamp. Check its URL.`, { cause });
  }
  const { status, statusStrings = [] } = read.status;
  const isGranted = status === PKIStatus.granted || status === PKIStatus.grantedWithMods;
  if (!isGranted || read.timeStampToken === undefined) {
    const said = statusStrings
      .map((one) => one.valueBlock.value)
      .join(' ')
      .slice(0, 200);
    throw new AnswerError(`${from} refused to issue a time-stamp (status ${status})${said === '' ? '.' : `: ${said}`}`);
  }
  const token = new Uint8Array(read.timeStampToken.toSchema().toBER());
  if (token.length > MAX_TIMESTAMP_BYTES) {
    throw new AnswerError(
      `${from} returned a token of ${token.length} bytes; at most ${MAX_TIMESTAMP_BYTES} are allowed.`,
    );
  }
  return token;
}
