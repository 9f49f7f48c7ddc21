import { createECDH, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/*
 * KMS as its JSON protocol shows it, for keys that sign. The arithmetic of ECDSA is written out on node:crypto's points, so
 * that it shares nothing with what it tests, and so that either half of s and any r can be had.
 */

const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
export const KMS_CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

/** What it does with the next request instead of the right thing. */
export type Misbehaviour =
  | { readonly fail: string; readonly status?: number }
  | { readonly answer: object }
  | 'hang'
  | 'high-s'
  | 'low-s'
  | 'short-r'
  | 'high-bit-r'
  | 'hash-again';

export interface KmsServer {
  readonly endpoint: string;
  readonly keyId: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Taken from the front, one a request. */
  readonly misbehave: Misbehaviour[];
  /** Operations that were asked for. */
  readonly asked: string[];
  /** The next request has come in whole. */
  nextAsked(): Promise<unknown>;
  close(): Promise<void>;
}

export async function startKmsServer(): Promise<KmsServer> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const misbehave: Misbehaviour[] = [];
  const asked: string[] = [];
  const keyId = '1234abcd-12ab-34cd-56ef-1234567890ab';
  const key = { keyId, privateKey, publicKey };
  const events = new EventEmitter();
  const server = createServer((request, response) => {
    answer(key, misbehave, asked, request, response)
      .catch((error) => response.destroy(error))
      .finally(() => events.emit('asked'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...key,
    misbehave,
    asked,
    nextAsked: () => once(events, 'asked'),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

type Key = Pick<KmsServer, 'keyId' | 'privateKey' | 'publicKey'>;

async function answer(
  key: Key,
  misbehave: Misbehaviour[],
  asked: string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const body = JSON.parse(Buffer.concat(parts).toString('utf8'));
  const target = String(request.headers['x-amz-target']);
  asked.push(target);
  const next = misbehave.shift();
  if (next === 'hang') return;
  const say = (status: number, content: object): void => {
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(content));
  };
  if (typeof next === 'object') {
    if ('fail' in next) say(next.status ?? 400, { __type: next.fail, message: 'so it was asked' });
    else say(200, next.answer);
  } else if (body.KeyId !== key.keyId) {
    say(400, { __type: 'NotFoundException', message: 'no such key' });
  } else if (target === 'TrentService.GetPublicKey') {
    say(200, publicKeyAnswer(key.publicKey));
  } else if (target === 'TrentService.Sign') {
    const digest = Buffer.from(String(body.Message), 'base64');
    if (body.MessageType !== 'DIGEST' || body.SigningAlgorithm !== 'ECDSA_SHA_256' || digest.length !== 32) {
      say(400, { __type: 'ValidationException', message: 'not a digest of SHA-256' });
      return;
    }
    const Signature = toDer(signDigest(key.privateKey, digest, next)).toString('base64');
    say(200, { KeyId: key.keyId, Signature, SigningAlgorithm: 'ECDSA_SHA_256' });
  } else {
    say(400, { __type: 'UnsupportedOperationException', message: target });
  }
}

/** GetPublicKey's answer for a signing key. */
export function publicKeyAnswer(publicKey: KeyObject | Buffer, more: object = {}): object {
  const der = Buffer.isBuffer(publicKey) ? publicKey : publicKey.export({ type: 'spki', format: 'der' });
  return {
    ...{ KeyId: 'key', KeySpec: 'ECC_SECG_P256K1', KeyUsage: 'SIGN_VERIFY', SigningAlgorithms: ['ECDSA_SHA_256'] },
    ...{ PublicKey: der.toString('base64'), ...more },
  };
}

export function signDigest(privateKey: KeyObject, digest: Uint8Array, wanted?: Misbehaviour): { r: bigint; s: bigint } {
  const d = BigInt(`0x${Buffer.from(String(privateKey.export({ format: 'jwk' }).d), 'base64url').toString('hex')}`);
  const z = BigInt(`0x${Buffer.from(digest).toString('hex')}`);
  for (;;) {
    const nonce = randomBytes(32);
    const k = BigInt(`0x${nonce.toString('hex')}`);
    if (k === 0n || k >= N) continue;
    const ecdh = createECDH('secp256k1');
    ecdh.setPrivateKey(nonce);
    const r = BigInt(`0x${ecdh.getPublicKey().subarray(1, 33).toString('hex')}`) % N;
    const s = (invert(k) * ((z + r * d) % N)) % N;
    if (r === 0n || s === 0n) continue;
    if (wanted === 'short-r' && r >> 248n !== 0n) continue;
    if (wanted === 'high-bit-r' && r >> 255n === 0n) continue;
    if (wanted === 'high-s' || wanted === 'low-s') {
      return { r, s: s > N / 2n === (wanted === 'high-s') ? s : N - s };
    }
    return { r, s };
  }
}

/** Ecdsa-Sig-Value of RFC 3279. */
export function toDer({ r, s }: { r: bigint; s: bigint }): Buffer {
  const integers = Buffer.concat([r, s].map(derInteger));
  return Buffer.concat([Buffer.from([0x30, integers.length]), integers]);
}

function derInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  const content = (bytes[0] as number) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
  return Buffer.concat([Buffer.from([0x02, content.length]), content]);
}

/** By Fermat: N is prime. */
function invert(value: bigint): bigint {
  let result = 1n;
  for (let base = value % N, exponent = N - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % N;
    base = (base * base) % N;
  }
  return result;
}
