import * as z from 'zod';
import { StoreUnavailableError } from '../../core/errors.ts';
import { EMULATED_REGION, type Emulator } from './start-emulator.ts';

const created = z.looseObject({ ARN: z.string() });

/** Puts a secret into the emulator's Secrets Manager, as an operator does before the first deployment. @returns its ARN */
export async function createSecret({ endpoint }: Pick<Emulator, 'endpoint'>, Name: string, SecretString: string) {
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: {
      // Signed for the service, as the emulator routes by that; it does not look at the signature.
      authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${EMULATED_REGION}/secretsmanager/aws4_request, SignedHeaders=host, Signature=0`,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'secretsmanager.CreateSecret',
    },
    body: JSON.stringify({ Name, SecretString, ClientRequestToken: crypto.randomUUID() }),
    signal: AbortSignal.timeout(30_000),
  });
  if (!answer.ok) throw new StoreUnavailableError(`The emulator keeps no secret (status ${answer.status}).`);
  return created.parse(await answer.json()).ARN;
}
