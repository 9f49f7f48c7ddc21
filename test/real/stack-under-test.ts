import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { createKmsSigner } from '../../adapters/kms/kms-signer.ts';
import type { Address } from '../../core/ids.ts';
import { findProgram } from '../../dev/real/programs/find-program.ts';
import { MOTO_CREDENTIALS, type RunningMoto, startMoto } from '../../dev/real/start-moto.ts';
import { startRealStack } from '../../dev/real/start-real-stack.ts';
import { type Ended, runPlumb } from '../cli/run-plumb.ts';

const MENDED_MOTO = join(import.meta.dirname, '..', 'conformance', 'account-signer', 'moto-kms.py');
const REGION = 'us-east-1';

export type RealStackUnderTest = Awaited<ReturnType<typeof startRealStackUnderTest>>;

/** The service on real programs, its relayer's key in KMS, and an owner that it serves. */
export async function startRealStackUnderTest() {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-real-'));
  // In order of starting; stopped in the reverse order.
  const parts: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) await part();
  };
  try {
    return { ...(await startParts(folder, parts)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(folder: string, parts: (() => unknown)[]) {
  const kms = await startMoto({ python: findProgram('moto'), script: MENDED_MOTO });
  parts.push(() => kms.stop());
  const signer = await openSigner(kms);
  parts.push(() => signer.close());
  const programs = {
    ...{ geth: findProgram('geth'), ipfs: findProgram('kubo'), versitygw: findProgram('versitygw') },
    dynamoDbLocal: findProgram('dynamodb-local'),
  };
  const stack = await startRealStack({ folder: join(folder, 'stack'), programs, signer });
  parts.push(() => stack.stop());
  const env = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: join(folder, 'owner') };
  const password = join(folder, 'password');
  await writeFile(password, 'correct horse battery\n', { mode: 0o600 });
  const asOwner = (...parameters: string[]): Promise<Ended> =>
    runPlumb([...parameters, '--password-file', password, '--json'], env);
  const { account } = resultOf(await asOwner('owner', 'init', '--mnemonic-out', join(folder, 'mnemonic')));
  await stack.admit(account as Address);
  return {
    ...stack,
    ...{ folder, kms, env, password, asOwner },

    /** A dataset with its device's file. */
    async provision(name: string): Promise<string> {
      resultOf(await asOwner('dataset', 'create', name));
      const file = join(folder, `${name}.json`);
      resultOf(await asOwner('device', 'provision', name, '--out', file));
      return file;
    },
  };
}

/** The last object that a command said. */
export function resultOf(ended: Ended, exitCode = 0) {
  assert.equal(ended.exitCode, exitCode, `${ended.stdout}${ended.stderr}`);
  return JSON.parse(ended.stdout.trim().split('\n').at(-1) as string);
}

async function openSigner({ endpoint }: RunningMoto) {
  const options = { region: REGION, endpoint, credentials: MOTO_CREDENTIALS };
  const client = new KMSClient(options);
  try {
    const made = await client.send(new CreateKeyCommand({ KeySpec: 'ECC_SECG_P256K1', KeyUsage: 'SIGN_VERIFY' }));
    return await createKmsSigner({ ...options, keyId: String(made.KeyMetadata?.KeyId) });
  } finally {
    client.destroy();
  }
}
