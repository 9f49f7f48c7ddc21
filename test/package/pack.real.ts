import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

/* The package as somebody gets it who has an empty project, npm, and a registry (or a cache that knows it all). */

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
/** A user's PATH: a Node as new as is needed, and npm. */
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };
const LIMITS = { env, timeout: 300_000, maxBuffer: 16 * 2 ** 20 };

const PROGRAM = `
import { nodePrimitives } from 'plumbline/adapters/crypto/node-primitives';
import { auditBlocks } from 'plumbline/client/audit-blocks';
import { chunkRoot } from 'plumbline/core/block/chunk-tree';
import type { Sha256 } from 'plumbline/core/ids';
import { parseSource, type SourceChoice } from 'plumbline/device/sources/parse-source';

const root: Uint8Array = chunkRoot(nodePrimitives, new Uint8Array(2000));
const source: SourceChoice = parseSource('mqtt:mqtts://broker.example/plant/#');
const audit: typeof auditBlocks = auditBlocks;
// @ts-expect-error a block is bytes
const wrong = () => chunkRoot(nodePrimitives, 'text');
// @ts-expect-error brands come with the types
const hash: Sha256 = new Uint8Array(32);
console.log(JSON.stringify({ root: root.length, source, audit: typeof audit, wrong: typeof wrong, hash: hash.length }));
`;

let folder: string;
let project: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-package-'));
  project = join(folder, 'project');
  await mkdir(project);
  // Packing compiles first, as it does for whoever publishes.
  const packed = await run('npm', ['pack', '--json', '--pack-destination', folder], { ...LIMITS, cwd: root });
  const [{ filename }] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf('[')));
  await writeFile(join(project, 'package.json'), '{"name": "empty", "version": "1.0.0", "type": "module"}\n');
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, filename)];
  await run('npm', install, { ...LIMITS, cwd: project });
});

after(() => rm(folder, { recursive: true, force: true }));

test('npx plumb runs on the Node that is there, and says so where that is too old', async () => {
  const { stdout } = await run('npx', ['plumb', '--help'], { ...LIMITS, cwd: project });
  assert.match(stdout, /Usage: plumb/);
  for (const part of ['owner', 'consumer', 'dataset', 'device', 'fleet', 'contracts', 'local']) {
    assert.match(stdout, new RegExp(`^ {2}${part} `, 'm'));
  }
  const version = await run('npx', ['plumb', '--version'], { ...LIMITS, cwd: project });
  assert.equal(version.stdout.trim(), JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version);

  const old = join(folder, 'old');
  await mkdir(old);
  await writeFile(join(old, 'node'), '#!/bin/sh\necho v22.1.0\n', { mode: 0o755 });
  const plumb = join(project, 'node_modules', '.bin', 'plumb');
  const refused = run(plumb, ['--help'], {
    ...LIMITS,
    env: { ...env, PATH: `${old}${delimiter}/usr/bin${delimiter}/bin` },
  });
  await assert.rejects(refused, /Node 24 or newer is needed; the node found here is v22\.1\.0/);
});

test('core, client, device and adapters are imported with their types', async () => {
  await writeFile(join(project, 'program.ts'), PROGRAM);
  const compilerOptions = {
    ...{ target: 'es2024', module: 'nodenext', strict: true, skipLibCheck: true, types: [], outDir: 'out' },
  };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
  await run(process.execPath, [tsc, '-p', project], { ...LIMITS, cwd: project });
  const { stdout } = await run(process.execPath, ['out/program.js'], { ...LIMITS, cwd: project });
  const told = JSON.parse(stdout);
  assert.deepEqual([told.root, told.audit], [32, 'function']);
  assert.equal(told.source.broker.host, 'broker.example');
});

test('it brings what it runs on, and nothing of what it is made with', () => {
  const there = (name: string) => existsSync(join(project, 'node_modules', name));
  assert.ok(there('ethers') && there('zod') && there('mqtt-packet'));
  for (const name of [
    'aws-cdk',
    'aws-cdk-lib',
    'cdk-nag',
    'typescript',
    'esbuild',
    'solc',
    'plumbline-toolchain',
    'mqtt',
  ]) {
    assert.ok(!there(name), name);
  }
  const programs = readdirSync(join(project, 'node_modules')).filter((name) => /^(node-linux|@foundry-rs)/.test(name));
  assert.deepEqual(programs, []);
  const inside = readdirSync(join(project, 'node_modules', 'plumbline'), { recursive: true, encoding: 'utf8' });
  assert.deepEqual(
    inside.filter((path) => /\.ts$/.test(path) && !path.endsWith('.d.ts')),
    [],
    'no source that Node would not strip',
  );
  assert.deepEqual(
    inside.filter((path) => /(^|\/)(test|contracts\/src|cdk|bench|scripts|real)(\/|$)/.test(path)),
    [],
  );
});
