import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CreateKeyCommand, type KeySpec, KMSClient } from '@aws-sdk/client-kms';
import type { AccountSigner } from '../../../adapters/ethereum/account-signer.ts';
import { createKmsSigner } from '../../../adapters/kms/kms-signer.ts';
import { InvalidInputError, KeyError } from '../../../core/errors.ts';
import { type RunningAnvil, startAnvil } from '../../../local/stack/start-anvil.ts';
import { KMS_CREDENTIALS } from '../../adapters/kms-server.ts';
import { accountSignerConformance } from './suite.ts';

/*
 * The suite on the KMS of moto 5.2.5. Needs Python 3, which installs it once into the user's cache:
 *
 *   node --test test/conformance/account-signer/moto.real.ts
 *
 * moto hashes a digest again, where KMS signs it as it is. `moto-kms.py` mends that; that moto as it comes still does so is
 * asserted too, so that the mending is not forgotten here when it is no longer needed.
 */

const VERSION = '5.2.5';
const START_TIMEOUT_MS = 60_000;

interface Moto {
  readonly endpoint: string;
  readonly child: ChildProcess;
}

let chain: RunningAnvil;
let mended: Moto;
let asItComes: Moto;
let signer: AccountSigner & { close(): void };

before(
  async () => {
    const bin = installMoto();
    chain = await startAnvil({ stateFile: null, mining: 'instant' });
    mended = await startMoto(join(bin, 'python'), [join(import.meta.dirname, 'moto-kms.py')]);
    asItComes = await startMoto(join(bin, 'python'), [join(bin, 'moto_server')]);
    signer = await openSigner(mended.endpoint, 'ECC_SECG_P256K1');
  },
  { timeout: 10 * 60_000 },
);

after(async () => {
  signer?.close();
  for (const moto of [mended, asItComes]) await endProcess(moto?.child);
  await chain?.stop();
});

accountSignerConformance(
  `KMS of moto ${VERSION}, mended`,
  () => signer,
  () => chain,
);

describe(`KMS of moto ${VERSION}`, () => {
  it('refuses a key of another curve or kind', async () => {
    for (const spec of ['ECC_NIST_P256', 'RSA_2048'] as const) {
      await assert.rejects(openSigner(mended.endpoint, spec), InvalidInputError, spec);
    }
  });

  it('refuses a key that is not there', async () => {
    const options = { region: 'us-east-1', endpoint: mended.endpoint, credentials: KMS_CREDENTIALS };
    const keyId = '00000000-0000-0000-0000-000000000000';
    await assert.rejects(createKmsSigner({ ...options, keyId }), /NotFoundException/);
  });

  it('as it comes, it signs the hash of a digest, which the signer notices', async () => {
    const unmended = await openSigner(asItComes.endpoint, 'ECC_SECG_P256K1');
    try {
      await assert.rejects(unmended.signHash(new Uint8Array(32).fill(7)), KeyError);
    } finally {
      unmended.close();
    }
  });
});

async function openSigner(endpoint: string, spec: KeySpec): Promise<AccountSigner & { close(): void }> {
  const options = { region: 'us-east-1', endpoint, credentials: KMS_CREDENTIALS };
  const client = new KMSClient(options);
  try {
    const { KeyMetadata } = await client.send(new CreateKeyCommand({ KeySpec: spec, KeyUsage: 'SIGN_VERIFY' }));
    return await createKmsSigner({ ...options, keyId: String(KeyMetadata?.KeyId) });
  } finally {
    client.destroy();
  }
}

/** On a port of its own choosing, which it says. */
async function startMoto(python: string, script: readonly string[]): Promise<Moto> {
  const args = ['-u', ...script, '-H', '127.0.0.1', '-p', '0'];
  const child = spawn(python, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const listen = (text: string): void => {
    said = (said + text).slice(-4000);
    const port = /Running on http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
    if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
  };
  child.stdout.setEncoding('utf8').on('data', listen);
  child.stderr.setEncoding('utf8').on('data', listen);
  child.once('exit', () => reject(new Error(`moto has ended: ${said}`)));
  const timer = setTimeout(() => reject(new Error(`moto does not start: ${said}`)), START_TIMEOUT_MS);
  try {
    return { endpoint: await promise, child };
  } catch (error) {
    await endProcess(child);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function endProcess(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** The folder of its programs. */
function installMoto(): string {
  const cache = process.env.PLUMBLINE_CACHE ?? join(homedir(), '.cache', 'plumbline');
  const folder = join(cache, `moto-${VERSION}`);
  const bin = join(folder, 'bin');
  if (existsSync(join(bin, 'moto_server'))) return bin;
  rmSync(folder, { recursive: true, force: true });
  const install = [join(bin, 'pip'), 'install', '--quiet', `moto[server]==${VERSION}`];
  for (const [program, ...args] of [['python3', '-m', 'venv', folder], install]) {
    const { status } = spawnSync(program as string, args, { stdio: 'inherit', timeout: 8 * 60_000 });
    if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed; the suite on moto needs Python 3.`);
  }
  return bin;
}
