import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../../adapters/ethereum/account-signer.ts';
import { createKeystore, readKeystore, SCRYPT_N_RANDOM_PASSWORD } from '../../../adapters/keys/keystore.ts';
import { createKmsSigner } from '../../../adapters/kms/kms-signer.ts';
import type { PrivateKey } from '../../../core/ids.ts';
import { startAnvil } from '../../../local/stack/start-anvil.ts';
import { KMS_CREDENTIALS, startKmsServer } from '../../adapters/kms-server.ts';
import { accountSignerConformance } from './suite.ts';

const chain = await startAnvil({ stateFile: null, mining: 'instant' });
const folder = await mkdtemp(join(tmpdir(), 'plumbline-signer-'));
const kms = await startKmsServer();
const { endpoint, keyId } = kms;
const kmsSigner = await createKmsSigner({ region: 'us-east-1', keyId, endpoint, credentials: KMS_CREDENTIALS });
after(async () => {
  kmsSigner.close();
  await kms.close();
  await chain.stop();
  await rm(folder, { recursive: true });
});

const newKey = (): PrivateKey => nodePrimitives.randomBytes(32) as PrivateKey;
const inMemory = createKeySigner(newKey());
const path = join(folder, 'keystore.json');
await createKeystore(path, { privateKey: newKey(), mnemonic: null }, 'password', SCRYPT_N_RANDOM_PASSWORD);
const stored = createKeySigner((await readKeystore(path, 'password')).privateKey);

accountSignerConformance(
  'a key in memory',
  () => inMemory,
  () => chain,
);
accountSignerConformance(
  'a keystore',
  () => stored,
  () => chain,
);
accountSignerConformance(
  'KMS, over HTTP',
  () => kmsSigner,
  () => chain,
);
