import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import * as z from 'zod';
import { createKeystore, readKeystore, SCRYPT_N_RANDOM_PASSWORD } from '../adapters/keys/keystore.ts';
import { isMissingFile, readSecretFile, replaceSecretFile } from '../adapters/keys/secret-file.ts';
import { FileError } from '../core/errors.ts';
import type { PrivateKey } from '../core/ids.ts';
import type { ChainTokens } from './stack/chain-door.ts';
import { newTokens } from './stack/start-anvil.ts';

/** What a stack's folder keeps of it besides the data of its parts: with these it comes back as it was. */
export interface StackIdentity {
  readonly ports: {
    readonly chain: number;
    readonly objects: number;
    readonly table: number;
    readonly api: number;
    readonly ipfs: number;
  };
  /** Secrets of the chain's addresses. */
  readonly chainTokens: ChainTokens;
  readonly s3AccessKey: string;
  readonly s3SecretKey: string;
  /** Key of the operator's account: the relayer, and the storage of agreements. */
  readonly operatorKey: PrivateKey;
}

const port = z.int().min(1).max(65_535);
const secretsFile = z.strictObject({
  ports: z.strictObject({ chain: port, objects: port, table: port, api: port, ipfs: port.optional() }),
  chainTokens: z.strictObject({ keeper: z.string().min(32), anyone: z.string().min(32) }).optional(),
  s3AccessKey: z.string().min(16).max(128),
  s3SecretKey: z.string().min(32).max(128),
  keystorePassword: z.string().min(32).max(128),
});
type Secrets = z.infer<typeof secretsFile>;

/**
 * The identity of the stack in a folder, made at its first start. Ports stay, as the files of owners and devices name
 * them; secrets lie in files of mode 0600.
 */
export async function openStackFolder(folder: string): Promise<StackIdentity> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'secrets.json');
  const secrets = (await readSecrets(path)) ?? (await createSecrets(path));
  const ipfs = secrets.ports.ipfs ?? (await addIpfsPort(path, secrets));
  const chainTokens = secrets.chainTokens ?? (await addChainTokens(path));
  const keystore = join(folder, 'operator.json');
  const content = await readKeystore(keystore, secrets.keystorePassword).catch(async (error: unknown) => {
    if (!isMissingFile(error)) throw error;
    const made = { privateKey: new Uint8Array(randomBytes(32)) as PrivateKey, mnemonic: null };
    await createKeystore(keystore, made, secrets.keystorePassword, SCRYPT_N_RANDOM_PASSWORD);
    return made;
  });
  const { s3AccessKey, s3SecretKey } = secrets;
  return { ports: { ...secrets.ports, ipfs }, chainTokens, s3AccessKey, s3SecretKey, operatorKey: content.privateKey };
}

async function readSecrets(path: string): Promise<Secrets | null> {
  let text: string;
  try {
    text = await readSecretFile(path);
  } catch (error) {
    if (isMissingFile(error)) return null;
    throw error;
  }
  const parsed = secretsFile.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new FileError(
    `${path} differs from what plumb local up wrote (${parsed.error.issues[0]?.path.join('.')}). Use another folder.`,
  );
}

/** Folders made before the stack had an IPFS node name no port for it. */
async function addIpfsPort(path: string, secrets: Secrets): Promise<number> {
  const [ipfs] = (await freePorts(1)) as [number];
  await replaceSecretFile(path, `${JSON.stringify({ ...secrets, ports: { ...secrets.ports, ipfs } }, null, 2)}\n`);
  return ipfs;
}

/** Folders made before the chain had a door have no secrets of it. */
async function addChainTokens(path: string): Promise<ChainTokens> {
  const chainTokens = newTokens();
  const secrets = await readSecrets(path);
  await replaceSecretFile(path, `${JSON.stringify({ ...secrets, chainTokens }, null, 2)}\n`);
  return chainTokens;
}

async function createSecrets(path: string): Promise<Secrets> {
  const [chain, objects, table, api, ipfs] = await freePorts(5);
  const secrets = {
    ports: { chain, objects, table, api, ipfs } as Secrets['ports'],
    chainTokens: newTokens(),
    s3AccessKey: `PL${randomBytes(9).toString('hex').toUpperCase()}`,
    s3SecretKey: randomBytes(30).toString('base64url'),
    keystorePassword: randomBytes(32).toString('hex'),
  };
  await replaceSecretFile(path, `${JSON.stringify(secrets, null, 2)}\n`);
  return secrets;
}

/** Ports of loopback that nobody listens on; all are held at once, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(
      servers.map(
        (server) =>
          new Promise<number>((resolve, reject) => {
            server.once('error', reject);
            server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
          }),
      ),
    );
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
