import type { AccountSigner } from '../../adapters/ethereum/account-signer.ts';
import { createAscRecorder } from '../../adapters/ethereum/asc-recorder.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { createDisscRoundRecorder, createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import { createKmsSigner } from '../../adapters/kms/kms-signer.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import type { Environment } from '../environment.ts';
import { openAsc } from './asc.ts';
import { chainOf } from './chain.ts';
import { openDissc } from './dissc.ts';

/** The relayer's account, whose key is in KMS. @throws StoreUnavailableError when KMS does not answer */
function openRelayer(env: Environment): Promise<AccountSigner> {
  const keyId = env.text('PLUMBLINE_RELAYER_KEY_ID');
  const { region } = env.lambda;
  return env.once('relayer', () => createKmsSigner({ region, keyId, endpoint: null, credentials: null }));
}

export async function openRecorder(
  env: Environment,
): Promise<Pick<ServicePorts, 'ledger' | 'recorder' | 'rounds' | 'roundRecorder'>> {
  const { ledger } = await openDissc(env);
  const contract = { ...(await chainOf(env)), dissc: env.address('PLUMBLINE_DISSC') };
  const paid = { ...contract, signer: await openRelayer(env) };
  return {
    ...{ ledger, recorder: createDisscRecorder(paid) },
    ...{ rounds: createDisscRounds(contract), roundRecorder: createDisscRoundRecorder(paid) },
  };
}

export async function openGrantRecorder(env: Environment): Promise<Pick<ServicePorts, 'grants' | 'grantRecorder'>> {
  const { grants } = await openAsc(env);
  const asc = env.optional('PLUMBLINE_ASC', env.address);
  if (asc === null) return { grants, grantRecorder: null };
  return { grants, grantRecorder: createAscRecorder({ ...(await chainOf(env)), asc, signer: await openRelayer(env) }) };
}
