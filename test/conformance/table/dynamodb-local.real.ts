import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createDynamoTarget } from './dynamo-target.ts';
import { type TableTarget, tableConformance } from './suite.ts';

/*
 * The suite on DynamoDB Local 2.5.2. Needs Java 17 and Maven, which fetches it once into the user's cache:
 *
 *   node --test test/conformance/table/dynamodb-local.real.ts
 *
 * It listens on every interface. So this file runs itself again in a network namespace that has none but loopback.
 */

const VERSION = '2.5.2';
const PORT = 8000;
const START_TIMEOUT_MS = 60_000;
const IN_NAMESPACE = 'PLUMBLINE_IN_NAMESPACE';

if (process.env[IN_NAMESPACE] === undefined) runInNamespace();
else runSuite(process.env[IN_NAMESPACE]);

function runInNamespace(): void {
  test(`DynamoDB Local ${VERSION}`, async () => {
    const lib = fetchJars();
    const file = fileURLToPath(import.meta.url);
    const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
    const child = spawn(
      'unshare',
      ['--user', '--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"', process.execPath, file],
      { stdio: 'inherit', env: { ...environment, [IN_NAMESPACE]: lib } },
    );
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`The suite failed in its namespace (exit code ${code}).`);
  });
}

function runSuite(lib: string): void {
  const others = Object.keys(networkInterfaces()).filter((name) => name !== 'lo');
  if (others.length > 0) throw new Error(`This namespace has more than loopback: ${others.join(', ')}.`);
  const child = spawn(
    'java',
    [
      ...['-cp', join(lib, '*'), `-Djava.library.path=${lib}`],
      ...['com.amazonaws.services.dynamodbv2.local.main.ServerRunner', '-inMemory', '-disableTelemetry'],
      ...['-port', String(PORT)],
    ],
    { stdio: 'ignore' },
  );
  let made: Awaited<ReturnType<typeof createDynamoTarget>> | null = null;
  const target = (): TableTarget => {
    if (made === null) throw new Error('DynamoDB Local is not up.');
    return made.target;
  };
  before(async () => {
    made = await untilUp(`http://127.0.0.1:${PORT}`);
  });
  after(async () => {
    await made?.close();
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });
  tableConformance(`DynamoDB Local ${VERSION}`, {
    table: () => target().table(),
    unreachable: () => target().unreachable(),
    silent: () => target().silent(),
  });
}

async function untilUp(endpoint: string): ReturnType<typeof createDynamoTarget> {
  const until = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      return await createDynamoTarget(endpoint);
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(250);
    }
  }
}

function fetchJars(): string {
  const folder = join(
    process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
    'plumbline',
    `dynamodb-local-${VERSION}`,
  );
  const lib = join(folder, 'lib');
  if (existsSync(join(folder, 'complete'))) return lib;
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'pom.xml'),
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>plumbline</groupId><artifactId>dynamodb-local</artifactId><version>1</version>
<dependencies><dependency><groupId>com.amazonaws</groupId><artifactId>DynamoDBLocal</artifactId>
<version>${VERSION}</version></dependency></dependencies></project>`,
  );
  const mvn = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${lib}`];
  const { status } = spawnSync('mvn', mvn, { cwd: folder, stdio: 'inherit', timeout: 15 * 60_000 });
  if (status !== 0) throw new Error('Maven could not fetch DynamoDB Local.');
  writeFileSync(join(folder, 'complete'), '');
  return lib;
}
