import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type Bundle, bundleFunctions } from '../../cdk/bundle-functions.ts';
import { functionRows } from '../../functions/table.ts';

const run = promisify(execFile);
/** What a function loads at its start counts at every cold start; the whole is what Lambda unpacks. */
const MAX_ALL_BYTES = 4 * 2 ** 20;

const AS_IN_LAMBDA = {
  ...{ AWS_REGION: 'eu-central-1', PLUMBLINE_RPC_URL: 'http://127.0.0.1:9', PLUMBLINE_CHAIN_ID: '1' },
  ...{ PLUMBLINE_DISSC: `0x${'d1'.repeat(20)}`, PLUMBLINE_BUCKET: 'segments', PLUMBLINE_TABLE: 'plumbline' },
  ...{ PLUMBLINE_OWNERS: '{}', PLUMBLINE_AUTHORITIES: 'api.example' },
  ...{ AWS_LAMBDA_FUNCTION_NAME: 'plumbline-dev-get-block', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512' },
  ...{ AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x', AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR' },
  AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:9',
  _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0',
  POWERTOOLS_METRICS_NAMESPACE: 'Plumbline/dev',
  NODE_OPTIONS: '--enable-source-maps',
};

let folder: string;
let bundle: Bundle;
before(async () => {
  // Away from the project: what is not in the bundle is not found.
  folder = await mkdtemp(join(tmpdir(), 'plumbline-bundle-'));
  await mkdir(join(folder, 'lambda'));
  bundle = bundleFunctions(join(folder, 'lambda'));
});
after(() => rm(folder, { recursive: true, force: true }));

describe('the bundled functions', () => {
  test('load away from the project, and each exports the handler that Lambda calls', async () => {
    const script = `
      for (const name of ${JSON.stringify(functionRows.map(({ name }) => name))}) {
        const { handler } = await import('./' + name + '.mjs');
        if (typeof handler !== 'function') throw new Error(name);
      }
      console.log('all loaded');`;
    const { stdout } = await runIn(script, {});
    assert.equal(stdout.trim(), 'all loaded');
  });

  test('answer as in Lambda, traced: a request to another host is refused, logged and counted', async () => {
    const script = `
      const { handler } = await import('./get-block.mjs');
      const path = '/v1/datasets/0x${'00'.repeat(32)}/blocks/0';
      const http = { method: 'GET', path };
      const event = { version: '2.0', rawPath: path, rawQueryString: '', headers: { host: 'evil.example' }, requestContext: { http } };
      const context = { functionName: 'get-block', getRemainingTimeInMillis: () => 5000 };
      console.log(JSON.stringify({ answer: await handler(event, context) }));`;
    const { stdout } = await runIn(script, AS_IN_LAMBDA);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const { answer } = lines.find((line) => 'answer' in line);
    assert.equal(answer.statusCode, 401);
    assert.equal(JSON.parse(answer.body).type, '/problems/signature');
    // The alarms' filters look for `problem` just there, and for metrics of this namespace with this dimension.
    assert.equal(lines.find((line) => line.message === 'request')?.problem, '/problems/signature');
    const [counted] = lines.find((line) => '_aws' in line)?._aws.CloudWatchMetrics ?? [];
    assert.deepEqual(counted, {
      Namespace: 'Plumbline/dev',
      Dimensions: [['service']],
      Metrics: [{ Name: 'Refused', Unit: 'Count' }],
    });
  });

  test('need nothing that is not in the bundle but Node itself', () => {
    assert.ok(bundle.outside.length > 5);
    for (const name of bundle.outside) assert.ok(isBuiltin(name), name);
  });

  test('share their code: all of them together are small', async () => {
    let sizeBytes = 0;
    for (const file of await modules()) sizeBytes += (await stat(join(folder, 'lambda', file))).size;
    assert.ok(sizeBytes < MAX_ALL_BYTES, `${sizeBytes} bytes`);
  });

  test('come out the same each time: an unchanged function is not deployed again', async () => {
    const again = join(folder, 'again1');
    await mkdir(again);
    bundleFunctions(again);
    for (const file of await modules()) {
      assert.equal(
        await readFile(join(again, file), 'utf8'),
        await readFile(join(folder, 'lambda', file), 'utf8'),
        file,
      );
    }
  });
});

async function modules(): Promise<string[]> {
  return (await readdir(join(folder, 'lambda'))).filter((file) => file.endsWith('.mjs'));
}

function runIn(script: string, env: Readonly<Record<string, string>>) {
  const cwd = join(folder, 'lambda');
  return run(process.execPath, ['--input-type=module', '--eval', script], { cwd, env, timeout: 60_000 });
}
