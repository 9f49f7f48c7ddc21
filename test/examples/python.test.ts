import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { fromHex } from '../../core/bytes.ts';
import type { PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { fund, keeperOf } from '../../local/stack/fund.ts';
import { quickenKeystore } from '../cli/quicken-keystore.ts';
import { runPlumb, type StackUnderTest, startStackUnderTest } from '../cli/run-plumb.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PASSWORD = 'correct horse battery';

/*
 * examples/verify.py and examples/device.py are written from docs/specification.md alone: where they agree, the page says
 * enough.
 */

function python(script: string, ...args: string[]): Promise<{ exitCode: number; said: string }> {
  return pythonOn('', script, ...args);
}

/** With something to read. */
function pythonOn(input: string, script: string, ...args: string[]): Promise<{ exitCode: number; said: string }> {
  return new Promise((resolve, reject) => {
    const child = execFile('python3', [join(ROOT, script), ...args], { timeout: 240_000 }, (error, stdout, stderr) => {
      if (typeof error?.code === 'string') reject(error);
      else resolve({ exitCode: error === null ? 0 : Number(error.code ?? 1), said: stdout + stderr });
    });
    child.stdin?.end(input);
  });
}

test('opens every good vector, and refuses every segment with a fault', async () => {
  const { exitCode, said } = await python('test/examples/verify_vectors.py');
  assert.equal(exitCode, 0, said);
  const { opened, expected, accepted, refused } = JSON.parse(said) as {
    readonly opened: Record<string, number>;
    readonly expected: Record<string, number>;
    readonly accepted: string[];
    readonly refused: number;
  };
  assert.deepEqual(opened, expected);
  assert.deepEqual(accepted, []);
  const text = await readFile(join(ROOT, 'test', 'vectors', 'malformed-segments.json'), 'utf8');
  assert.equal(refused, (JSON.parse(text) as { segments: unknown[] }).segments.length);
});

describe('a dataset on the embedded stack', { timeout: 300_000 }, () => {
  let folder: string;
  let stack: StackUnderTest;
  let args: readonly string[];
  let plumb: (words: string, input?: string) => Promise<Record<string, unknown>>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-python-'));
    stack = await startStackUnderTest(join(folder, 'stack'));
    const env = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: join(folder, 'owner') };
    plumb = async (words, input = '') => {
      const ended = await runPlumb([...words.split(' '), '--json'], env, input);
      assert.equal(ended.exitCode, 0, `${words}\n${ended.stdout}${ended.stderr}`);
      return JSON.parse(ended.stdout.trim().split('\n').at(-1) as string) as Record<string, unknown>;
    };
    const [password, device] = [join(folder, 'password'), join(folder, 'device.json')];
    await writeFile(password, `${PASSWORD}\n`, { mode: 0o600 });
    const { account } = await plumb(
      `owner init --password-file ${password} --mnemonic-out ${join(folder, 'mnemonic')}`,
    );
    await quickenKeystore(join(folder, 'owner'), PASSWORD);
    await plumb(`local admit ${String(account)}`);
    await plumb(`dataset create readings --password-file ${password}`);
    await plumb(`device provision readings --password-file ${password} --out ${device}`);
    const run = `device run --provision ${device} --source stdin --poll 100ms --until-idle --timeout 60s`;
    await plumb(`${run} --every 200ms`, 'one\ntwo\nthree\n');
    await plumb(`${run} --every 200ms`, `four\n${'five '.repeat(700)}\n`);
    args = [device, '--stack', stack.stackFile];
  });
  after(async () => {
    await stack?.end('SIGINT');
    await rm(folder, { recursive: true, force: true });
  });

  test('is verified block by block, with the bucket read over S3', async () => {
    const { exitCode, said } = await python('examples/verify.py', ...args);
    assert.equal(exitCode, 0, said);
    assert.match(said, /^readings: DISSC has 5 blocks/m);
    assert.match(said, /^intact {3}blocks 0 to /m);
    assert.match(said, /^All blocks on the chain: 5 verified\.$/m);
  });

  test('is verified with the bucket read as a folder', async () => {
    const { exitCode, said } = await python('examples/verify.py', args[0] as string, '--folder', await bucketFolder());
    assert.equal(exitCode, 0, said);
  });

  test('is not intact with one bit of a stored block off', async () => {
    const [path] = await segments();
    const bytes = await readFile(path as string);
    const damaged = Buffer.from(bytes);
    damaged[damaged.length - 3] = (damaged.at(-3) as number) ^ 1;
    await writeFile(path as string, damaged);
    const { exitCode, said } = await python('examples/verify.py', ...args);
    await writeFile(path as string, bytes);
    assert.equal(exitCode, 1, said);
    assert.match(said, /^DAMAGED {2}blocks 0 to 2: .*; block 2: other bytes than recorded$/m);
    assert.match(said, /^intact {3}blocks 3 to 4: /m);
    assert.match(said, /^NOT INTACT: 1 of 5 blocks on the chain are damaged\.$/m);
  });

  test('is not intact without its last segment, and says how far it is', async () => {
    const path = (await segments()).at(-1) as string;
    await rename(path, join(folder, 'aside'));
    const { exitCode, said } = await python('examples/verify.py', args[0] as string, '--folder', await bucketFolder());
    await rename(join(folder, 'aside'), path);
    assert.equal(exitCode, 1, said);
    assert.match(said, /^NOT INTACT: .*segments that verify end at block [1-4] of 5/m);
  });

  test('says so when the chain does not answer', async () => {
    const { exitCode, said } = await python('examples/verify.py', ...args, '--rpc', 'http://127.0.0.1:9');
    assert.equal(exitCode, 3, said);
  });

  test('does not pass under the key of another device', async () => {
    const other = join(folder, 'other.json');
    const device = JSON.parse(await readFile(args[0] as string, 'utf8')) as Record<string, unknown>;
    await writeFile(other, JSON.stringify({ ...device, datasetKey: `0x${'11'.repeat(32)}` }), { mode: 0o600 });
    const { exitCode, said } = await python('examples/verify.py', other, ...args.slice(1));
    assert.equal(exitCode, 1, said);
    assert.match(said, /its salt is not the one of these digests/);
  });

  test('another program is a device, too: it seals, signs, uploads, and records a growth of 1,500 blocks by itself', async () => {
    const [password, file] = [join(folder, 'password'), join(folder, 'written.json')];
    await plumb(`dataset create written --password-file ${password}`);
    await plumb(`device provision written --password-file ${password} --out ${file}`);
    const device = (input: string, ...more: string[]) => pythonOn(input, 'examples/device.py', ...more);
    const few = Array.from({ length: 5 }, (_, i) => `reading ${i}\n`).join('');
    const relayed = await device(few, file);
    assert.equal(relayed.exitCode, 0, relayed.said);
    assert.match(relayed.said, /^final {4}5 blocks, /m);

    // What it has sealed while the service was away is what it uploads when the service is back.
    const provision = JSON.parse(await readFile(file, 'utf8')) as { devicePrivateKey: `0x${string}`; rpcUrl: string };
    const away = join(folder, 'away.json');
    await writeFile(away, JSON.stringify({ ...provision, apiUrl: 'http://127.0.0.1:9' }), { mode: 0o600 });
    const many = Array.from({ length: 1500 }, (_, i) => `${i},${'ä'.repeat(i % 40)},${(i * 7919) % 1000}\n`).join('');
    const kept = await device(many, away, '--outbox', `${file}.outbox`);
    assert.equal(kept.exitCode, 3, kept.said);
    assert.deepEqual(
      [...kept.said.matchAll(/^sealed {3}blocks (\d+) to (\d+)/gm)].map(([, a, b]) => [a, b]),
      [
        ['5', '1028'],
        ['1029', '1504'],
      ],
    );
    const account = accountOfKey(fromHex(provision.devicePrivateKey) as PrivateKey);
    await fund(createJsonRpc(keeperOf(JSON.parse(await readFile(stack.stackFile, 'utf8')))), account, 10n ** 20n);
    const direct = await device('', file, '--direct');
    assert.equal(direct.exitCode, 0, direct.said);
    assert.doesNotMatch(direct.said, /^sealed/m);
    assert.match(direct.said, /^recorded blocks 5 to 1504 directly: \d+ gas, /m);
    assert.match(direct.said, /^final {4}1505 blocks, /m);
    const idle = await device('', file, '--direct');
    assert.deepEqual([idle.exitCode, /nothing to do; DISSC has 1505 blocks/.test(idle.said)], [0, true], idle.said);

    const report = await plumb(`owner verify written --password-file ${password}`);
    assert.deepEqual([report.ok, report.total], [true, 1505], JSON.stringify(report));
    const out = join(folder, 'written');
    await plumb(`owner get written --password-file ${password} --out ${out}`);
    assert.equal(await readFile(join(out, 'lines'), 'utf8'), few + many);
    const checked = await python('examples/verify.py', file, ...args.slice(1));
    assert.equal(checked.exitCode, 0, checked.said);
    assert.match(checked.said, /^All blocks on the chain: 1505 verified\.$/m);
  });

  async function bucketFolder(): Promise<string> {
    const { bucket } = JSON.parse(await readFile(stack.stackFile, 'utf8')) as { bucket: string };
    return join(folder, 'stack', 'objects', 'buckets', bucket);
  }

  async function segments(): Promise<string[]> {
    const cwd = await bucketFolder();
    const found = globSync('*/*/*.car@data', { cwd });
    return found.sort().map((path) => join(cwd, path));
  }
});
