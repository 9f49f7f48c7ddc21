import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { findProgram } from '../../../dev/real/programs/find-program.ts';
import { VERSIONS } from '../../../dev/real/programs/versions.ts';
import { type RunningDynamoDbLocal, startDynamoDbLocal } from '../../../dev/real/start-dynamodb-local.ts';
import { createDynamoTarget } from './dynamo-target.ts';
import { type TableTarget, tableConformance, tableFidelity, tableOutages } from './suite.ts';

/* The suite on DynamoDB Local, in a network namespace of its own, with its data in a folder. */

let folder = '';
let server: RunningDynamoDbLocal | null = null;
let made: Awaited<ReturnType<typeof createDynamoTarget>> | null = null;
const target = (): TableTarget => {
  if (made === null) throw new Error('DynamoDB Local is not up.');
  return made.target;
};

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-table-'));
  server = await startDynamoDbLocal({ lib: findProgram('dynamodb-local'), folder: join(folder, 'data') });
  made = await createDynamoTarget(server.endpoint);
});
after(async () => {
  await made?.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const name = `DynamoDB Local ${VERSIONS['dynamodb-local']}`;
const whole: TableTarget = {
  table: () => target().table(),
  unreachable: () => target().unreachable(),
  silent: () => target().silent(),
};
tableConformance(name, whole);
tableFidelity(name, whole);
tableOutages(name, whole);
