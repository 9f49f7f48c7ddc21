import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import { equalBytes } from '../../core/bytes.ts';
import { charterKey, encodeCharter } from '../../core/charter/charter-file.ts';
import { requireRecords } from '../../core/log/verify-records.ts';
import { createSecret } from '../../dev/emulator/create-secret.ts';
import { getRecords } from '../../functions/get-records.ts';
import { datasetPk } from '../../functions/state/entries.ts';
import { readLogEnd } from '../../functions/state/log-entry.ts';
import { createLogFixture } from '../functions/log-fixture.ts';
import { dump } from '../functions/start-service.ts';
import { clientOptions } from './deployed-stack.ts';
import type { Looked } from './look-at.ts';

const run = promisify(execFile);
const PLUMB = join(import.meta.dirname, '..', '..', 'cli', 'plumb.ts');

/** `plumb service rebuild` of the deployment, as the runbook says it: by the environment of its function. */
export function rebuildsItsTable(looked: () => Looked): void {
  test('makes its empty table again from its bucket and the chain, and a second time changes nothing', async () => {
    const { clients, deployment, stack } = looked();
    const { Bucket = '', Table = '' } = stack.outputs;
    const fixture = await createLogFixture();
    const options = clientOptions(deployment.emulator);
    const objects = createS3ObjectStore({ ...options, bucket: Bucket });
    try {
      const service = await fixture.service();
      const dataset = fixture.openDataset();
      await service.fill(dataset, 3, 100);
      await service.anchor();
      await fixture.mine(3);
      for (let i = 0; i < 3; i++) await service.anchor();
      await fixture.assertRecorded(dataset, 'final');
      const charter = charterKey(dataset.id, dataset.first.serial);
      const kept = [...service.stored].filter(([key]) => key.endsWith('.car'));
      for (const [Key, Body] of [...kept, [charter, encodeCharter(dataset.first)] as const]) {
        await clients.s3.send(new PutObjectCommand({ Bucket, Key, Body, IfNoneMatch: '*' }));
      }

      const { Environment } = await clients.lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName: 'plumbline-dev-reconcile-segments' }),
      );
      const { chain } = fixture;
      const env = {
        ...{ PATH: process.env.PATH, ...deployment.emulator.env, ...Environment?.Variables },
        // The example's chain is nobody's.
        ...{ PLUMBLINE_RPC_SECRET: await createSecret(deployment.emulator, 'local-nodes', chain.rpcUrl) },
        ...{ PLUMBLINE_CHAIN_ID: String(chain.chainId), PLUMBLINE_DISSC: chain.dissc },
        PLUMBLINE_ASC: chain.asc,
      };
      const rebuild = async () => {
        const { stdout } = await run(process.execPath, [PLUMB, 'service', 'rebuild', '--json'], {
          env,
          timeout: 120_000,
        });
        return JSON.parse(stdout);
      };
      const admit = ['service', 'owner', 'add', dataset.owner.account, '--quota', String(2 ** 40)];
      await run(process.execPath, [PLUMB, ...admit], { env });
      const rebuilt = await rebuild();
      assert.deepEqual([rebuilt.failures, rebuilt.lost, rebuilt.segments], [[], 0, { placed: 3 }]);
      assert.deepEqual(rebuilt.charters, { kept: 1, known: 0, refused: 0 });

      const table = createDynamoTable({ client: clients.dynamodb, tableName: Table });
      const { size, root } = (await readLogEnd(table, dataset.id))!;
      assert.equal(size, 300);
      const blocks = [0, 99, 100, 299];
      const ports = { primitives: nodePrimitives, table, objects };
      const { faults, batches, proof } = await getRecords(ports, { dataset: dataset.id, blocks, size });
      assert.deepEqual(faults, []);
      const { heads } = await fixture.ledger.readHeads([dataset.id], 'final');
      assert.ok(equalBytes(heads[0]!.root, root), 'the log leads to the head of the chain');
      requireRecords(
        nodePrimitives,
        heads[0]!,
        batches.flatMap(({ records }) => records),
        proof,
      );
      const Prefix = `${dataset.id.slice(2)}/tile/`;
      const { Contents = [] } = await clients.s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
      assert.deepEqual(
        Contents.map(({ Key }) => Key?.slice(Prefix.length)),
        ['0/0', 'records/0'],
      );

      const before = (await dump(table, datasetPk(dataset.id))).length;
      const again = await rebuild();
      assert.deepEqual([again.mended, again.recounted, again.lost, again.failures], [0, 0, 0, []]);
      assert.equal((await dump(table, datasetPk(dataset.id))).length, before);
    } finally {
      objects.close();
      await fixture.stop();
    }
  });
}
