import { GetPublicKeyCommand, type GetPublicKeyCommandOutput, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { ArgumentError } from '../../core/errors.ts';
import type { AccountSigner } from '../ethereum/account-signer.ts';
import { withDeadline } from '../with-deadline.ts';
import { explainKmsFailure } from './explain-kms-failure.ts';
import { accountOfPublicKey, parsePublicKey, readSignature } from './parse-kms-answers.ts';

export interface KmsSignerOptions {
  readonly region: string;
  /** Id, ARN or alias of a key of the kind ECC_SECG_P256K1 that signs. */
  readonly keyId: string;
  /** Null for AWS's own. */
  readonly endpoint: string | null;
  /** Null for the environment's (Lambda's role). */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
  /** For one request with its repetitions. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 8_000;

/**
 * Signs with a key that never leaves AWS KMS. The public key is asked for once, here: the account is known from then on,
 * and a signature by any other key, as after an alias was moved, is refused.
 * @throws ArgumentError when there is no such key, it is of another kind or may not be used; StateError when it is disabled
 * or is to be deleted; AnswerError when what KMS gives is no signature by this key; StoreUnavailableError when
 * KMS does not answer in time, throttles or fails: trying later may help
 */
export async function createKmsSigner(
  options: KmsSignerOptions,
  signal?: AbortSignal,
): Promise<AccountSigner & { close(): void }> {
  const { region, keyId, endpoint, credentials, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const client = new KMSClient({
    region,
    ...(endpoint === null ? {} : { endpoint }),
    ...(credentials === null ? {} : { credentials }),
    maxAttempts: 3,
    // A request that hangs leaves time for another.
    requestHandler: { connectionTimeout: 2000, requestTimeout: Math.ceil(timeoutMs / 2), throwOnRequestTimeout: true },
  });
  const within = <T>(abort: AbortSignal | undefined, run: (abort: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline(
      timeoutMs,
      abort,
      // The client's abort does not reach into its pauses between attempts.
      (abortSignal) => orAbort(run(abortSignal), abortSignal),
      (cause, timedOut) => explainKmsFailure(keyId, timeoutMs, cause, timedOut),
    );

  try {
    const answered = await within(signal, (abortSignal) =>
      client.send(new GetPublicKeyCommand({ KeyId: keyId }), { abortSignal }),
    );
    const publicKey = parsePublicKey(keyId, requireSigningKey(keyId, answered));
    return {
      account: accountOfPublicKey(publicKey),
      async signHash(hash, abort) {
        if (hash.length !== 32) throw new ArgumentError(`A hash has 32 bytes; this one has ${hash.length}.`);
        const command = new SignCommand({
          ...{ KeyId: keyId, Message: hash, MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' },
        });
        const { Signature } = await within(abort, (abortSignal) => client.send(command, { abortSignal }));
        return readSignature(keyId, Signature, hash, publicKey);
      },
      close: () => client.destroy(),
    };
  } catch (error) {
    client.destroy();
    throw error;
  }
}

function requireSigningKey(keyId: string, answered: GetPublicKeyCommandOutput): Uint8Array {
  const { PublicKey, KeyUsage, SigningAlgorithms } = answered;
  if (PublicKey !== undefined && KeyUsage === 'SIGN_VERIFY' && SigningAlgorithms?.includes('ECDSA_SHA_256') === true) {
    return PublicKey;
  }
  const kind = `${answered.KeySpec ?? answered.CustomerMasterKeySpec ?? 'unknown'} for ${KeyUsage ?? 'unknown use'}`;
  throw new ArgumentError(
    `The KMS key ${keyId} is ${kind}, but accounts need ECC_SECG_P256K1 for SIGN_VERIFY. Name another key.`,
  );
}

function orAbort<T>(work: Promise<T>, abort: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(abort.reason);
    if (abort.aborted) stop();
    abort.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => abort.removeEventListener('abort', stop));
  });
}
