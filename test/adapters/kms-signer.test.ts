import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { createKmsSigner, type KmsSignerOptions } from '../../adapters/kms/kms-signer.ts';
import { AnswerError, ArgumentError, StateError, StoreUnavailableError } from '../../core/errors.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { KMS_CREDENTIALS, type KmsServer, publicKeyAnswer, signDigest, startKmsServer, toDer } from './kms-server.ts';

const message = new Uint8Array(randomBytes(100));
const hash = new Uint8Array(createHash('sha256').update(message).digest());

let kms: KmsServer;
const opened: { close(): void }[] = [];

const open = async (more: Partial<KmsSignerOptions> = {}, signal?: AbortSignal) => {
  const { endpoint, keyId } = kms;
  const options = { region: 'us-east-1', keyId, endpoint, credentials: KMS_CREDENTIALS, ...more };
  const signer = await createKmsSigner(options, signal);
  opened.push(signer);
  return signer;
};

/** By OpenSSL, which knows nothing of the adapter. */
const verifies = ({ r, s }: { r: Uint8Array; s: Uint8Array }): boolean =>
  verify('sha256', message, { key: kms.publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.concat([r, s]));

before(async () => {
  kms = await startKmsServer();
});
afterEach(() => {
  for (const signer of opened.splice(0)) signer.close();
  kms.misbehave.length = 0;
  kms.asked.length = 0;
});
after(() => kms.close());

test('the account is that of the private key, read once', async () => {
  const signer = await open();
  const d = Buffer.from(String(kms.privateKey.export({ format: 'jwk' }).d), 'base64url');
  assert.equal(signer.account, accountOfKey(new Uint8Array(d) as Parameters<typeof accountOfKey>[0]));
  assert.ok(verifies(await signer.signHash(hash)));
  await signer.signHash(hash);
  assert.deepEqual(kms.asked, ['TrentService.GetPublicKey', 'TrentService.Sign', 'TrentService.Sign']);
});

for (const kind of ['high-s', 'low-s', 'short-r', 'high-bit-r'] as const) {
  test(`a signature with ${kind.replace('-', ' ')} becomes one that contracts take`, async () => {
    const signer = await open();
    kms.misbehave.push(kind);
    const signed = await signer.signHash(hash);
    assert.ok(verifies(signed));
    assert.ok((signed.s[0] as number) < 0x80);
    if (kind === 'short-r') assert.equal(signed.r[0], 0);
    if (kind === 'high-bit-r') assert.ok((signed.r[0] as number) >= 0x80);
  });
}

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
const p256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ type: 'spki', format: 'der' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
const offCurve = Buffer.concat([p256k1.subarray(0, 87), Buffer.of((p256k1[87] as number) ^ 1)]);
const hybrid = Buffer.concat([p256k1.subarray(0, 23), Buffer.of(0x06), p256k1.subarray(24)]);
for (const [what, answer] of [
  ['of P-256', publicKeyAnswer(p256, { KeySpec: 'ECC_NIST_P256' })],
  ['of P-256 that says it is of secp256k1', publicKeyAnswer(p256)],
  ['of RSA', publicKeyAnswer(rsa, { KeySpec: 'RSA_2048', SigningAlgorithms: ['RSASSA_PSS_SHA_256'] })],
  ['for agreeing on keys', publicKeyAnswer(p256k1, { KeyUsage: 'KEY_AGREEMENT', SigningAlgorithms: undefined })],
  ['with a byte behind it', publicKeyAnswer(Buffer.concat([p256k1, Buffer.of(0)]))],
  ['that is cut', publicKeyAnswer(p256k1.subarray(0, 87))],
  ['beside the curve', publicKeyAnswer(offCurve)],
  ['in hybrid form', publicKeyAnswer(hybrid)],
  ['that is missing', publicKeyAnswer(p256k1, { PublicKey: undefined })],
] as const) {
  test(`refuses a public key ${what}`, async () => {
    kms.misbehave.push({ answer });
    await assert.rejects(open(), (error: unknown) => {
      assert.ok(error instanceof ArgumentError);
      assert.match(error.message, /ECC_SECG_P256K1/);
      return true;
    });
  });
}

for (const [name, remedy, turn = ArgumentError] of [
  ['NotFoundException', /region and account/],
  ['AccessDeniedException', /kms:Sign/],
  ['DisabledException', /Enable/, StateError],
  ['KMSInvalidStateException', /deletion/, StateError],
  ['UnsupportedOperationException', /See the cause/],
] as const) {
  test(`${name} is for the operator to put right: said at once, not tried again`, async () => {
    kms.misbehave.push({ fail: name });
    await assert.rejects(open(), (error: unknown) => {
      assert.ok(error instanceof turn, String(error));
      assert.match(error.message, remedy);
      return true;
    });
    assert.equal(kms.asked.length, 1);
  });
}

test('a request that was throttled twice, or failed inside, is made again', async () => {
  const signer = await open();
  kms.misbehave.push({ fail: 'ThrottlingException' }, { fail: 'KMSInternalException', status: 500 });
  assert.ok(verifies(await signer.signHash(hash)));
  assert.equal(kms.asked.length, 4);
});

test('throttled for ever, it is unavailable, not refused', async () => {
  const signer = await open();
  kms.misbehave.push(...Array.from({ length: 3 }, () => ({ fail: 'ThrottlingException' })));
  await assert.rejects(signer.signHash(hash), StoreUnavailableError);
  assert.equal(kms.asked.length, 4);
});

test('a KMS that takes requests and answers none is given up in time', async () => {
  const signer = await open({ timeoutMs: 2_000 });
  kms.misbehave.push('hang', 'hang', 'hang');
  const startedMs = performance.now();
  await assert.rejects(signer.signHash(hash), StoreUnavailableError);
  assert.ok(performance.now() - startedMs < 10_000);
  kms.misbehave.length = 0;
  assert.ok(verifies(await signer.signHash(hash)), 'and serves when it is back');
});

test('a KMS that hangs once is asked again within the time', async () => {
  const signer = await open({ timeoutMs: 4_000 });
  kms.misbehave.push('hang');
  assert.ok(verifies(await signer.signHash(hash)));
});

test('nobody there is unavailable', async () => {
  const gone = await startKmsServer();
  await gone.close();
  await assert.rejects(open({ endpoint: gone.endpoint }), StoreUnavailableError);
});

test('an abort ends the wait, for the account and for a signature', async () => {
  const reason = new Error('enough');
  const stop = new AbortController();
  kms.misbehave.push('hang');
  kms.nextAsked().then(() => stop.abort(reason));
  await assert.rejects(open({}, stop.signal), reason);
  const signer = await open();
  kms.misbehave.push('hang');
  const again = new AbortController();
  kms.nextAsked().then(() => again.abort(reason));
  await assert.rejects(signer.signHash(hash, again.signal), reason);
});

test('a hash of another length is never sent', async () => {
  const signer = await open();
  for (const length of [0, 31, 33]) await assert.rejects(signer.signHash(new Uint8Array(length)), ArgumentError);
  assert.deepEqual(kms.asked, ['TrentService.GetPublicKey']);
});

const stranger = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
const own = () => toDer(signDigest(kms.privateKey, hash));
for (const [what, make] of [
  ['by another key, as after an alias was moved', () => toDer(signDigest(stranger, hash))],
  ['of the hash of the hash', () => toDer(signDigest(kms.privateKey, createHash('sha256').update(hash).digest()))],
  ['with a byte behind it', () => Buffer.concat([own(), Buffer.of(0)])],
  ['that is cut', () => own().subarray(0, -1)],
  ['with r = 0', () => toDer({ ...signDigest(kms.privateKey, hash), r: 0n })],
  ['with a negative s', () => Buffer.from('3006020101020180', 'hex')],
  ['with a padded r', () => Buffer.from('300702020001020101', 'hex')],
  ['that is empty', () => Buffer.alloc(0)],
] as const) {
  test(`refuses a signature ${what}`, async () => {
    const signer = await open();
    const answer = { KeyId: kms.keyId, Signature: make().toString('base64'), SigningAlgorithm: 'ECDSA_SHA_256' };
    kms.misbehave.push({ answer });
    await assert.rejects(signer.signHash(hash), AnswerError);
  });
}
