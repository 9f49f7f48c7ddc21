import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { createKeySigner } from '../../../adapters/ethereum/account-signer.ts';
import { deployContracts } from '../../../adapters/ethereum/deploy-contracts.ts';
import { DISSC, disscAddress } from '../../../adapters/ethereum/deploy-dissc.ts';
import { createJsonRpc } from '../../../adapters/ethereum/json-rpc.ts';
import type { PrivateKey } from '../../../core/ids.ts';
import { openOwner } from '../../../dev/bench/parts/open-owner.ts';
import type { Parts } from '../../../dev/bench/parts/start-parts.ts';
import { findProgram } from '../../../dev/real/programs/find-program.ts';
import { DYNAMODB_LOCAL_CREDENTIALS, startDynamoDbLocal } from '../../../dev/real/start-dynamodb-local.ts';
import { startVersitygw } from '../../../dev/real/start-versitygw.ts';
import { fund } from '../../../local/stack/fund.ts';
import { startAnvil } from '../../../local/stack/start-anvil.ts';
import { runPlumb, spawnPlumb } from '../../cli/run-plumb.ts';

test('plumb serve on versitygw and DynamoDB Local, killed and started again while a device writes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-serve-real-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { accessKeyId, secretAccessKey } = DYNAMODB_LOCAL_CREDENTIALS;
  const s3 = await startVersitygw({
    ...{ versitygw: findProgram('versitygw'), folder: join(folder, 's3'), region: 'us-east-1' },
    ...{ accessKey: accessKeyId, secretKey: secretAccessKey },
  });
  t.after(() => s3.stop());
  await mkdir(join(s3.dataDir, 'segments'));
  const table = await startDynamoDbLocal({ lib: findProgram('dynamodb-local'), folder: join(folder, 'table') });
  t.after(() => table.stop());
  const chain = await startAnvil({ stateFile: null, mining: { blockTimeMs: 200 } });
  t.after(() => chain.stop());

  const [keystore, password] = [join(folder, 'relayer.json'), join(folder, 'relayer.password')];
  const made = await runPlumb(['service', 'key', '--out', keystore, '--password-file', password, '--json']);
  assert.equal(made.exitCode, 0, made.stderr);
  const { account } = JSON.parse(made.stdout);
  const deployer = createKeySigner(new Uint8Array(32).fill(7) as PrivateKey);
  const rpc = createJsonRpc(chain);
  for (const one of [account, deployer.account]) await fund(rpc, one, 10n ** 20n);
  await deployContracts({ rpcUrl: chain.rpcUrl, chainId: chain.chainId, signer: deployer }, [DISSC]);
  const env = {
    ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    ...{ PLUMBLINE_LISTEN: '127.0.0.1:0', PLUMBLINE_RPC_URLS: chain.publicRpcUrl },
    ...{ PLUMBLINE_CHAIN_ID: String(chain.chainId), PLUMBLINE_DISSC: disscAddress(), PLUMBLINE_BUCKET: 'segments' },
    ...{ PLUMBLINE_S3_ENDPOINT: s3.endpoint, PLUMBLINE_TABLE_ENDPOINT: table.endpoint },
    ...{ PLUMBLINE_KEYSTORE: keystore, PLUMBLINE_KEYSTORE_PASSWORD_FILE: password },
  };
  const checked = await runPlumb(['service', 'check', '--json'], env);
  assert.equal(JSON.parse(checked.stdout).tableWasMissing, true, checked.stderr);
  assert.equal((await runPlumb(['service', 'check'], env)).exitCode, 0);

  const first = await serve(env);
  const contracts = { DISSC: disscAddress() };
  const openAt = (apiUrl: string) =>
    openOwner({
      stack: { rpcUrl: chain.rpcUrl, chainId: chain.chainId, contracts, apiUrl },
      folder,
      admit: (owner: string) => runPlumb(['service', 'owner', 'add', owner, '--quota', String(2 ** 30)], env),
    } as unknown as Parts);
  const signal = t.signal;
  const owner = await openAt(first.apiUrl);
  const [dataset] = await owner.open(1);
  assert.ok(dataset);
  await owner.store(dataset, [new Uint8Array(100)], signal);
  // Stored, and the service has gone before it can have seen it for sure.
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  const second = await serve({ ...env, PLUMBLINE_LISTEN: new URL(first.apiUrl).host });
  await owner.store(dataset, [new Uint8Array(200)], signal);
  await owner.untilFinal(dataset, signal);
  assert.equal((await fetch(`${second.apiUrl}/health`)).status, 200);
  second.child.kill('SIGTERM');
  assert.deepEqual(await once(second.child, 'exit'), [0, null]);
});

/** Starts it as a person does, and waits until it says that it is ready. */
async function serve(env: Record<string, string>): Promise<{ child: ChildProcess; apiUrl: string }> {
  const child = spawnPlumb(['serve'], env);
  child.stderr?.pipe(process.stderr);
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const said = JSON.parse(line);
    if (said.event !== 'ready') continue;
    child.stdout?.resume();
    return { child, apiUrl: said.apiUrl };
  }
  throw new Error('The service ended before it was ready.');
}
