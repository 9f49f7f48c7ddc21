import * as z from 'zod';
import { ArgumentError, StateError, StoreUnavailableError } from '../../core/errors.ts';
import { readBody } from '../service/read-body.ts';
import { withDeadline } from '../with-deadline.ts';
import { type AwsCredentials, signV4 } from './sign-v4.ts';

export interface SecretOptions {
  readonly region: string;
  /** ARN or name. */
  readonly secretId: string;
  /** Of the secret; the current one when null or not given. */
  readonly versionId?: string | null;
  /** Null for AWS's own. */
  readonly endpoint: string | null;
  readonly credentials: AwsCredentials;
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 5_000;
/** A secret has at most 64 KiB. */
const MAX_RESPONSE_BYTES = 256 * 1024;
const TRANSIENT = /Throttl|TooManyRequests|LimitExceeded|InternalServiceError/i;

const secretAnswer = z.looseObject({ SecretString: z.string().min(1) });
const failure = z.looseObject({ __type: z.string() });

/**
 * The text of a secret in AWS Secrets Manager.
 * @throws ArgumentError when there is none or it may not be read; StateError when it holds no text; StoreUnavailableError when the service does not answer
 */
export async function readSecret(options: SecretOptions, signal?: AbortSignal): Promise<string> {
  const { region, secretId, versionId = null, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const unavailable = (what: string, cause?: unknown) =>
    new StoreUnavailableError(`Secrets Manager ${what}. Try again later.`, { cause });
  const url = new URL(options.endpoint ?? `https://secretsmanager.${region}.amazonaws.com`);
  const run = async (abortSignal: AbortSignal): Promise<string> => {
    const body = JSON.stringify({ SecretId: secretId, ...(versionId === null ? {} : { VersionId: versionId }) });
    const headers = signV4(
      {
        ...{ method: 'POST', url, body },
        headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'secretsmanager.GetSecretValue' },
      },
      { region, service: 'secretsmanager', credentials: options.credentials },
      Date.now(),
    );
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'error', signal: abortSignal });
    const answered = parseJson(await readBody(response, MAX_RESPONSE_BYTES));
    if (response.ok) {
      const parsed = secretAnswer.safeParse(answered);
      if (parsed.success) return parsed.data.SecretString;
      throw new StateError(`The secret ${secretId} holds no text. Store the text in it.`);
    }
    const said = failure.safeParse(answered);
    const name = said.success ? (said.data.__type.split('#').at(-1) ?? '') : `status ${response.status}`;
    if (response.status >= 500 || TRANSIENT.test(name)) throw unavailable(`refuses for now (${name})`);
    throw new ArgumentError(
      `The secret ${secretId} cannot be read (${name}). Name a secret of this region, and allow secretsmanager:GetSecretValue on it.`,
    );
  };
  return withDeadline(timeoutMs, signal, run, (cause, timedOut) =>
    unavailable(timedOut ? `did not answer within ${timeoutMs} ms` : 'cannot be reached', cause),
  );
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return null;
  }
}
