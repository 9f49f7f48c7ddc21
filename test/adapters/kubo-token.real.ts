import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createKuboP2pfs } from '../../adapters/ipfs/kubo-p2pfs.ts';
import { readSecret } from '../../adapters/secrets/read-secret.ts';
import { ArgumentError, StoreUnavailableError } from '../../core/errors.ts';
import { findProgram } from '../../dev/real/programs/find-program.ts';
import { VERSIONS } from '../../dev/real/programs/versions.ts';
import { type RunningKubo, startKubo } from '../../dev/real/start-kubo.ts';
import { MOTO_CREDENTIALS, type RunningMoto, startMoto } from '../../dev/real/start-moto.ts';

/* The token of a Kubo that asks for one, out of Secrets Manager as a deployment has it. */

const TOKEN = 'open sesame';
let folder: string;
let kubo: RunningKubo;
let moto: RunningMoto;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-kubo-token-'));
  moto = await startMoto({ python: findProgram('moto') });
  kubo = await startKubo({ ipfs: findProgram('kubo'), folder });
  const service = { AuthSecret: `bearer:${TOKEN}`, AllowedPaths: ['/api/v0'] };
  await kubo.run('config', '--json', 'API.Authorizations', JSON.stringify({ service }));
  await kubo.restart();
  const headers = {
    'x-amz-target': 'secretsmanager.CreateSecret',
    // moto reads the region and the service out of it, and checks no signature.
    authorization:
      'AWS4-HMAC-SHA256 Credential=moto/20261122/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0',
  };
  const body = JSON.stringify({ Name: 'ipfs-token', SecretString: TOKEN, ClientRequestToken: 'x'.repeat(32) });
  const made = await fetch(moto.endpoint, { method: 'POST', headers, body });
  assert.equal(made.status, 200, await made.text());
});

after(async () => {
  await kubo?.stop();
  await moto?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe(`Kubo ${VERSIONS.kubo} with a token, in Secrets Manager of moto ${VERSIONS.moto}`, { timeout: 60_000 }, () => {
  const secretOf = (secretId: string) =>
    readSecret({ region: 'us-east-1', secretId, endpoint: moto.endpoint, credentials: MOTO_CREDENTIALS });

  it('lets in who has read it, and nobody else', async () => {
    const mine = createKuboP2pfs({ apiUrl: kubo.apiUrl, bearerToken: await secretOf('ipfs-token') });
    const strangers = [
      createKuboP2pfs({ apiUrl: kubo.apiUrl }),
      createKuboP2pfs({ apiUrl: kubo.apiUrl, bearerToken: 'x' }),
    ];
    const roots = async (node: typeof mine) => {
      const found: string[] = [];
      for await (const root of node.pinnedRoots()) found.push(root);
      return found;
    };
    try {
      assert.ok(Array.isArray(await roots(mine)));
      // The empty folder that every node has.
      const empty = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';
      assert.equal(typeof (await mine.hasWhole(empty)), 'boolean');
      for (const stranger of strangers) {
        await assert.rejects(roots(stranger), StoreUnavailableError);
        await assert.rejects(stranger.hasWhole(empty), StoreUnavailableError);
      }
    } finally {
      for (const node of [mine, ...strangers]) node.close();
    }
  });

  it('a secret that is not there is said to be missing', async () => {
    await assert.rejects(secretOf('another'), (error: Error) => {
      assert.ok(error instanceof ArgumentError);
      return /ResourceNotFoundException/.test(error.message);
    });
  });
});
