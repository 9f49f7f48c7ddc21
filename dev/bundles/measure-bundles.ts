/**
 * What each function weighs in Lambda: the bytes of its asset (without source maps), the bytes that it loads until its
 * handler is made, and what that takes of a processor and of memory, each in a process of its own.
 *
 *     npm run measure:bundles                prints a table
 *     npm run measure:bundles -- --json      prints {name: {assetBytes, loadedBytes, cpuMs, rssMb}}
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFunction, ENTRY } from '../../cdk/bundle-function.ts';
import { functionRows } from '../../functions/table.ts';

interface Weight {
  readonly assetBytes: number;
  readonly loadedBytes: number;
  readonly cpuMs: number;
  readonly rssMb: number;
}

const RUNS = 5;
const LOADER = join(import.meta.dirname, 'load-entry.mjs');
const ADDRESS = `0x${'ab'.repeat(20)}`;
/** As Lambda and the deployment set it. Nothing is reached at these addresses: KMS refuses at once, and is not tried again. */
const ENVIRONMENT = {
  ...{ AWS_REGION: 'eu-central-1', AWS_LAMBDA_FUNCTION_NAME: 'measured', AWS_MAX_ATTEMPTS: '1' },
  ...{ AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key', AWS_ENDPOINT_URL_KMS: 'http://127.0.0.1:9' },
  ...{ PLUMBLINE_RPC_SECRET: 'nodes', PLUMBLINE_CHAIN_ID: '1', PLUMBLINE_AUTHORITIES: 'api.example' },
  ...{ PLUMBLINE_DISSC: ADDRESS, PLUMBLINE_OCASC: ADDRESS, PLUMBLINE_ASC: ADDRESS, PLUMBLINE_CSS_ACCOUNT: ADDRESS },
  ...{ PLUMBLINE_BUCKET: 'segments', PLUMBLINE_TABLE: 'plumbline' },
  PLUMBLINE_ANCHOR_QUEUE: 'https://sqs.eu-central-1.amazonaws.com/1/anchor.fifo',
  ...{ PLUMBLINE_RELAYER_KEY_ID: 'relayer', PLUMBLINE_IPFS_API: 'https://kubo.example' },
};

const folder = mkdtempSync(join(tmpdir(), 'plumbline-weights-'));
try {
  const weights = Object.fromEntries(functionRows.map((row) => [row.name, weigh(row.name)]));
  console.log(process.argv.includes('--json') ? JSON.stringify(weights) : tableOf(weights));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Of several runs the least: other work on this machine only adds to it. */
function weigh(name: string): Weight {
  const asset = join(folder, name);
  bundleFunction({ name }, asset);
  const files = readdirSync(asset).filter((file) => file.endsWith('.mjs'));
  const runs = Array.from({ length: RUNS }, () => load(join(asset, `${ENTRY}.mjs`)));
  return {
    assetBytes: files.reduce((sum, file) => sum + statSync(join(asset, file)).size, 0),
    loadedBytes: Math.max(...runs.map(({ loadedBytes }) => loadedBytes)),
    cpuMs: Math.round(Math.min(...runs.map(({ cpuMs }) => cpuMs))),
    rssMb: Math.round(Math.min(...runs.map(({ rssBytes }) => rssBytes)) / 2 ** 20),
  };
}

function load(entry: string): { loadedBytes: number; cpuMs: number; rssBytes: number } {
  const { stdout, stderr } = spawnSync(process.execPath, [LOADER, entry], { env: ENVIRONMENT, encoding: 'utf8' });
  const measured = /^measured (.*)$/m.exec(stdout)?.[1];
  if (measured === undefined) throw new Error(`${entry} does not load: ${stderr.slice(0, 500)}`);
  return JSON.parse(measured);
}

function tableOf(weights: Readonly<Record<string, Weight>>): string {
  const lines = Object.entries(weights).map(([name, { assetBytes, loadedBytes, cpuMs, rssMb }]) =>
    [
      name.padEnd(18),
      kilobytes(assetBytes),
      kilobytes(loadedBytes),
      `${cpuMs} ms`.padStart(8),
      `${rssMb} MB`.padStart(8),
    ].join(' '),
  );
  return [`${'function'.padEnd(18)}    asset   loaded      CPU   memory`, ...lines].join('\n');
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000)} KB`.padStart(8);
}
