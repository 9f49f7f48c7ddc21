import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDynamoClient } from '../../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../../adapters/dynamodb/dynamo-table.ts';
import { createKeySigner } from '../../../adapters/ethereum/account-signer.ts';
import { deployContracts, deployedAddress } from '../../../adapters/ethereum/deploy-contracts.ts';
import { DISSC, disscAddress } from '../../../adapters/ethereum/deploy-dissc.ts';
import { deployableAsc } from '../../../adapters/ethereum/deployable-asc.ts';
import { createJsonRpc } from '../../../adapters/ethereum/json-rpc.ts';
import { createKeystore, SCRYPT_N_RANDOM_PASSWORD } from '../../../adapters/keys/keystore.ts';
import type { Address, PrivateKey } from '../../../core/ids.ts';
import { admitOwner } from '../../../functions/state/owner-entry.ts';
import { startS3 } from '../../../local/s3/start-s3.ts';
import { fund } from '../../../local/stack/fund.ts';
import { startAnvil } from '../../../local/stack/start-anvil.ts';
import { startDynalite } from '../../../local/stack/start-dynalite.ts';

const REGION = 'us-east-1';
const ETHER = 10n ** 18n;

/** Chain, bucket and table as a person has them who runs the service on parts of their own; none sends it any event. */
export async function startEmbeddedParts() {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-serve-'));
  const credentials = { accessKeyId: 'PLSERVEACCESSKEY', secretAccessKey: randomBytes(30).toString('base64url') };
  const s3Keys = { accessKey: credentials.accessKeyId, secretKey: credentials.secretAccessKey };
  const startObjects = (port = 0) =>
    startS3({ dataDir: join(folder, 's3'), ...s3Keys, region: REGION, buckets: ['segments'], port });
  const [chain, s3, dynalite] = await Promise.all([
    startAnvil({ stateFile: null, mining: { blockTimeMs: 50 } }),
    startObjects(),
    startDynalite({ folder: join(folder, 'table'), credentials }),
  ]);
  const { rpcUrl, chainId } = chain;
  const rpc = createJsonRpc({ rpcUrl, chainId });
  const relayerKey = new Uint8Array(randomBytes(32)) as PrivateKey;
  const signer = createKeySigner(relayerKey);
  await fund(rpc, signer.account, 100n * ETHER);
  const asc = deployableAsc({ dissc: disscAddress() });
  await deployContracts({ rpcUrl, chainId, signer }, [DISSC, asc]);
  await writeFile(join(folder, 'relayer.password'), 'a password of this test\n', { mode: 0o600 });
  const content = { privateKey: relayerKey, mnemonic: null };
  await createKeystore(join(folder, 'relayer.json'), content, 'a password of this test', SCRYPT_N_RANDOM_PASSWORD);
  const parts = {
    ...{ folder, chain, rpc, s3, dynalite, credentials, account: signer.account },
    environment: { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
    /** What a file of settings says. */
    settings: {
      ...{ listen: '127.0.0.1:0', rpcUrls: [rpcUrl], chainId },
      ...{ dissc: disscAddress(), asc: deployedAddress(asc), region: REGION },
      ...{ bucket: 'segments', s3Endpoint: s3.endpoint, tableEndpoint: dynalite.endpoint },
      ...{ keystore: 'relayer.json', keystorePasswordFile: 'relayer.password' },
    },
    restartObjects: startObjects,
    async admit(owner: Address) {
      const client = createDynamoClient({ region: REGION, endpoint: dynalite.endpoint, credentials });
      await admitOwner(createDynamoTable({ client, tableName: 'plumbline' }), { owner, quotaBytes: 2 ** 30 });
      client.destroy();
    },
    async stop() {
      await Promise.all([chain.stop(), parts.s3.close(), dynalite.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
  return parts;
}

export type EmbeddedParts = Awaited<ReturnType<typeof startEmbeddedParts>>;
