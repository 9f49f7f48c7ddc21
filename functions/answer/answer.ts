import type { HttpAnswer } from './problem.ts';

const NO_STORE = { 'cache-control': 'no-store' };

export function jsonAnswer(value: unknown, statusCode: 200 | 202 = 200): HttpAnswer {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', ...NO_STORE },
    body: JSON.stringify(value),
    isBase64Encoded: false,
  };
}

/** Answers of core/wire/answers.ts. */
export function dagCborAnswer(bytes: Uint8Array): HttpAnswer {
  return bytesAnswer(bytes, { 'content-type': 'application/vnd.ipld.dag-cbor' });
}

export function bytesAnswer(bytes: Uint8Array, headers: Readonly<Record<string, string>>): HttpAnswer {
  return {
    statusCode: 200,
    headers: { ...headers, ...NO_STORE },
    body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
    isBase64Encoded: true,
  };
}
