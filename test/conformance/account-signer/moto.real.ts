import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CreateKeyCommand, type KeySpec, KMSClient } from '@aws-sdk/client-kms';
import type { AccountSigner } from '../../../adapters/ethereum/account-signer.ts';
import { createKmsSigner } from '../../../adapters/kms/kms-signer.ts';
import { AnswerError, ArgumentError } from '../../../core/errors.ts';
import { findProgram } from '../../../dev/real/programs/find-program.ts';
import { VERSIONS } from '../../../dev/real/programs/versions.ts';
import { MOTO_CREDENTIALS, type RunningMoto, startMoto } from '../../../dev/real/start-moto.ts';
import { type RunningAnvil, startAnvil } from '../../../local/stack/start-anvil.ts';
import { accountSignerConformance } from './suite.ts';

/*
 * The suite on the KMS of moto. It hashes a digest again, where KMS signs it as it is. `moto-kms.py` mends that; that moto as
 * it comes still does so is asserted too, so that the mending is not forgotten here when it is no longer needed.
 */

let chain: RunningAnvil;
let mended: RunningMoto;
let asItComes: RunningMoto;
let signer: AccountSigner & { close(): void };

before(async () => {
  const python = findProgram('moto');
  chain = await startAnvil({ stateFile: null, mining: 'instant' });
  mended = await startMoto({ python, script: join(import.meta.dirname, 'moto-kms.py') });
  asItComes = await startMoto({ python });
  signer = await openSigner(mended.endpoint, 'ECC_SECG_P256K1');
});

after(async () => {
  signer?.close();
  for (const moto of [mended, asItComes]) await moto?.stop();
  await chain?.stop();
});

accountSignerConformance(
  `KMS of moto ${VERSIONS.moto}, mended`,
  () => signer,
  () => chain,
);

describe(`KMS of moto ${VERSIONS.moto}`, () => {
  it('refuses a key of another curve or kind', async () => {
    for (const spec of ['ECC_NIST_P256', 'RSA_2048'] as const) {
      await assert.rejects(openSigner(mended.endpoint, spec), ArgumentError, spec);
    }
  });

  it('refuses a key that is not there', async () => {
    const options = { region: 'us-east-1', endpoint: mended.endpoint, credentials: MOTO_CREDENTIALS };
    const keyId = '00000000-0000-0000-0000-000000000000';
    await assert.rejects(createKmsSigner({ ...options, keyId }), /NotFoundException/);
  });

  it('as it comes, it signs the hash of a digest, which the signer notices', async () => {
    const unmended = await openSigner(asItComes.endpoint, 'ECC_SECG_P256K1');
    try {
      await assert.rejects(unmended.signHash(new Uint8Array(32).fill(7)), AnswerError);
    } finally {
      unmended.close();
    }
  });
});

async function openSigner(endpoint: string, spec: KeySpec): Promise<AccountSigner & { close(): void }> {
  const options = { region: 'us-east-1', endpoint, credentials: MOTO_CREDENTIALS };
  const client = new KMSClient(options);
  try {
    const { KeyMetadata } = await client.send(new CreateKeyCommand({ KeySpec: spec, KeyUsage: 'SIGN_VERIFY' }));
    return await createKmsSigner({ ...options, keyId: String(KeyMetadata?.KeyId) });
  } finally {
    client.destroy();
  }
}
