import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type Bundle, bundleFunction } from '../../cdk/bundle-function.ts';
import type { May } from '../../functions/row.ts';
import { functionRows } from '../../functions/table.ts';
import { RPC_SECRET, secretsForTest } from '../functions/secrets-for-test.ts';

const run = promisify(execFile);
/** What a function loads at its start counts at every cold start. `npm run measure:bundles` has all figures. */
const MOST_ENTRY_BYTES = 1_500_000;

const AS_IN_LAMBDA = {
  ...{ AWS_REGION: 'eu-central-1', PLUMBLINE_RPC_SECRET: RPC_SECRET, PLUMBLINE_CHAIN_ID: '1' },
  ...{ PLUMBLINE_DISSC: `0x${'d1'.repeat(20)}`, PLUMBLINE_BUCKET: 'segments', PLUMBLINE_TABLE: 'plumbline' },
  PLUMBLINE_AUTHORITIES: 'api.example',
  ...{ AWS_LAMBDA_FUNCTION_NAME: 'plumbline-dev-get-block', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512' },
  ...{ AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x', AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR' },
  AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:9',
  _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0',
  POWERTOOLS_METRICS_NAMESPACE: 'plumbline/dev',
  NODE_OPTIONS: '--enable-source-maps',
};

let folder: string;
let bundles: Readonly<Record<string, Bundle>>;
before(async () => {
  // Away from the project: what is not in a bundle is not found.
  folder = await mkdtemp(join(tmpdir(), 'plumbline-bundle-'));
  bundles = Object.fromEntries(functionRows.map((row) => [row.name, bundleFunction(row, join(folder, row.name))]));
});
after(() => rm(folder, { recursive: true, force: true }));

describe('the bundled functions', () => {
  test('load away from the project, and each exports the handler that Lambda calls', async () => {
    const script = `
      for (const name of ${JSON.stringify(functionRows.map(({ name }) => name))}) {
        const { handler } = await import('./' + name + '/index.mjs');
        if (typeof handler !== 'function') throw new Error(name);
      }
      console.log('all loaded');`;
    const { stdout } = await runIn(script, {});
    assert.equal(stdout.trim(), 'all loaded');
  });

  test('answer as in Lambda, traced: a request to another host is refused, logged and counted', async (t) => {
    const script = `
      const { handler } = await import('./get-block/index.mjs');
      const path = '/v1/datasets/0x${'00'.repeat(32)}/blocks/0';
      const http = { method: 'GET', path };
      const event = { version: '2.0', rawPath: path, rawQueryString: '', headers: { host: 'evil.example' }, requestContext: { http } };
      const context = { functionName: 'get-block', getRemainingTimeInMillis: () => 5000 };
      console.log(JSON.stringify({ answer: await handler(event, context) }));`;
    const secrets = await secretsForTest(t);
    const { stdout } = await runIn(script, { ...AS_IN_LAMBDA, ...secrets.env });
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
      Namespace: 'plumbline/dev',
      Dimensions: [['service']],
      Metrics: [{ Name: 'Refused', Unit: 'Count' }],
    });
  });

  test('need nothing that is not in the bundle but Node itself', () => {
    for (const [name, { outside }] of Object.entries(bundles)) {
      assert.ok(outside.length > 5, name);
      for (const module of outside) assert.ok(isBuiltin(module), `${name}: ${module}`);
    }
  });

  test('have in them the code of their own function and of no other', () => {
    for (const [name, { inside }] of Object.entries(bundles)) {
      const handlers = inside.filter((file) => /^(functions|lambda)\/[^/]+\.ts$/.test(file));
      const others = functionRows.filter((row) => row.name !== name);
      assert.ok(handlers.includes(`functions/${name}.ts`), name);
      for (const { name: other } of others) {
        assert.ok(
          !handlers.includes(`functions/${other}.ts`) && !handlers.includes(`lambda/${other}.ts`),
          `${name}: ${other}`,
        );
      }
    }
  });

  test('have in them the adapters that their row may touch, and no others', () => {
    const adapters: readonly (readonly [RegExp, (may: May) => boolean])[] = [
      [/^node_modules\/@aws-sdk\/client-s3\//, ({ objects }) => objects !== undefined],
      [/^node_modules\/@aws-sdk\/client-dynamodb\//, ({ table }) => table !== undefined],
      [/^node_modules\/@aws-sdk\/client-sqs\//, ({ queue }) => queue !== undefined],
      [/^node_modules\/@aws-sdk\/client-kms\//, ({ dissc, asc }) => dissc === 'record' || asc === 'record'],
      [/^adapters\/ipfs\//, ({ ipfs }) => ipfs !== undefined],
      [/^node_modules\/kubo-rpc-client\//, ({ ipfs }) => ipfs !== undefined],
      [
        /^adapters\/secrets\//,
        ({ ipfs, dissc, ocasc, asc }) => [ipfs, dissc, ocasc, asc].some((right) => right !== undefined),
      ],
      [/^adapters\/ethereum\/dissc-ledger\.ts$/, ({ dissc }) => dissc !== undefined],
      [/^adapters\/ethereum\/ocasc-ledger\.ts$/, ({ ocasc }) => ocasc !== undefined],
      [/^adapters\/ethereum\/asc-ledger\.ts$/, ({ asc }) => asc !== undefined],
      [/^adapters\/ethereum\/(dissc|asc)-recorder\.ts$/, ({ dissc, asc }) => dissc === 'record' || asc === 'record'],
    ];
    for (const { name, may } of functionRows) {
      const inside = bundles[name]?.inside ?? [];
      for (const [pattern, mayHave] of adapters) {
        assert.equal(
          inside.some((file) => pattern.test(file)),
          mayHave(may),
          `${name}: ${pattern}`,
        );
      }
    }
  });

  test('stay small: get-voucher loads at most 800 KB at its start, and none of them much more than it does today', async () => {
    for (const { name } of functionRows) {
      const { size } = await stat(join(folder, name, 'index.mjs'));
      assert.ok(size <= (name === 'get-voucher' ? 800_000 : MOST_ENTRY_BYTES), `${name}: ${size} bytes`);
    }
  });

  test('come out the same each time: an unchanged function is not deployed again', async () => {
    for (const row of functionRows) {
      const again = join(folder, 'again', row.name);
      bundleFunction(row, again);
      for (const file of await readdir(join(folder, row.name))) {
        assert.equal(
          await readFile(join(again, file), 'utf8'),
          await readFile(join(folder, row.name, file), 'utf8'),
          file,
        );
      }
    }
  });
});

function runIn(script: string, env: Readonly<Record<string, string>>) {
  return run(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder, env, timeout: 60_000 });
}
