import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { VERSIONS } from '../../../dev/real/programs/versions.ts';
import { parseListen, readServeSettings, SERVE_VARIABLES } from '../../../local/serve/serve-settings.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const DISSC = `0x${'d1'.repeat(20)}`;
const SECRET = 'https://node.example/v3/a-key-of-the-node';

describe('settings of plumb serve', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-settings-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  const whole = {
    ...{ rpcUrls: [SECRET], chainId: 5, dissc: DISSC, bucket: 'segments' },
    ...{ keystore: 'relayer.json', keystorePasswordFile: 'relayer.password' },
  };
  const read = async (file: object, environment: Record<string, string> = {}, mode = 0o600) => {
    const path = join(folder, 'serve.json');
    await writeFile(path, JSON.stringify(file));
    await chmod(path, mode);
    return readServeSettings(path, environment);
  };

  test('a file and the environment say the same, and the environment comes first', async () => {
    const fromFile = await read(whole);
    const environment = Object.fromEntries(
      [...SERVE_VARIABLES].flatMap(([variable, name]) => {
        const value = (whole as Record<string, unknown>)[name];
        return value === undefined ? [] : [[variable, [value].flat().join(',')]];
      }),
    );
    const fromEnvironment = await readServeSettings(null, environment);
    assert.deepEqual({ ...fromEnvironment, relayer: '' }, { ...fromFile, relayer: '' });
    assert.equal('keystore' in fromFile.relayer && fromFile.relayer.keystore, join(folder, 'relayer.json'));
    const both = await read(whole, {
      PLUMBLINE_RPC_URLS: 'http://a.example, http://b.example',
      PLUMBLINE_CHAIN_ID: '7',
    });
    assert.deepEqual([both.chain.rpcUrl, both.chain.moreRpcUrls], ['http://a.example', ['http://b.example']]);
    assert.equal(both.chain.chainId, 7);
    const kept = await read(whole, { PLUMBLINE_KEEP_ROUNDS_DAYS: '0' });
    assert.deepEqual([fromFile.keepRoundsDays, kept.keepRoundsDays], [30, 0]);
  });

  test('what is missing, malformed or unknown is named with its remedy, its value never', async () => {
    const refused: [object, RegExp][] = [
      [{ ...whole, bucket: undefined }, /A setting is missing.*PLUMBLINE_BUCKET/s],
      [{ ...whole, rpcUrls: ['a-key-of-the-node'] }, /malformed.*PLUMBLINE_RPC_URLS/s],
      [{ ...whole, rpcUrl: SECRET }, /rpcUrl, which is not a setting/],
      [{ ...whole, dissc: undefined }, /PLUMBLINE_DEPLOYMENTS/],
      [{ ...whole, keystore: undefined }, /PLUMBLINE_KEYSTORE/],
      [{ ...whole, relayerKeyId: 'key' }, /two keys/],
      [{ ...whole, listen: '0.0.0.0:8080' }, /PLUMBLINE_AUTHORITIES/],
      [{ ...whole, listen: 'plumb.example:8080' }, /ADDRESS:PORT/],
      [{ ...whole, authorities: ['Plumb.Example'] }, /PLUMBLINE_AUTHORITIES/],
      [{ ...whole, keepRoundsDays: 36_501 }, /PLUMBLINE_KEEP_ROUNDS_DAYS/],
      [{ ...whole, keepRoundsDays: -1 }, /PLUMBLINE_KEEP_ROUNDS_DAYS/],
    ];
    for (const [file, message] of refused) {
      await assert.rejects(read(file), (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /a-key-of-the-node/);
        return true;
      });
    }
  });

  test('a file that others can read is refused', async () => {
    await assert.rejects(read(whole, {}, 0o640), /mode 0640.*chmod 600/s);
  });

  test('addresses to listen on', () => {
    assert.deepEqual(parseListen('[::1]:80'), { host: '::1', port: 80 });
    for (const odd of ['8080', ':8080', '1.2.3.4', '1.2.3.4:99999', '[::1]'])
      assert.throws(() => parseListen(odd), odd);
  });

  test('the compose file and its example name settings that there are, and the page all of them', async () => {
    const named = await Promise.all(
      ['compose.yaml', 'serve.env.example'].map((name) => readFile(join(ROOT, 'examples', 'serve', name), 'utf8')),
    );
    const variables = [...named.join('\n').matchAll(/PLUMBLINE_[A-Z0-9_]+/g)].map(([variable]) => variable);
    assert.ok(variables.length >= 11);
    for (const variable of variables) assert.ok(SERVE_VARIABLES.has(variable), variable);
    const page = await readFile(join(ROOT, 'docs', 'serve.md'), 'utf8');
    for (const name of SERVE_VARIABLES.values()) assert.ok(page.includes(`\`${name}\``), name);
  });

  test('the compose file starts what was tried, and its parts find each other', async () => {
    const text = await readFile(join(ROOT, 'examples', 'serve', 'compose.yaml'), 'utf8');
    const services = Object.fromEntries(
      [...text.matchAll(/^ {2}(\w+):\n((?: {4}.*\n)+)/gm)].map(([, name, body]) => [name, body ?? '']),
    );
    const { objects = '', table = '', service = '' } = services;
    assert.deepEqual(Object.keys(services), ['objects', 'table', 'service']);
    assert.match(objects, new RegExp(`image: versity/versitygw:v${VERSIONS.versitygw}\n`));
    assert.match(table, new RegExp(`image: amazon/dynamodb-local:${VERSIONS['dynamodb-local']}\n`));
    const settingOf = (name: string) => new RegExp(`${name}: (\\S+)`).exec(service)?.[1] ?? '';
    // Where each listens, by its own arguments, is where the service looks for it.
    const gateway = /"--port", ":(\d+)"/.exec(objects)?.[1];
    assert.equal(settingOf('PLUMBLINE_S3_ENDPOINT'), `http://objects:${gateway}`);
    assert.match(objects, new RegExp(`ports: \\["127\\.0\\.0\\.1:${gateway}:${gateway}"\\]`));
    assert.equal(settingOf('PLUMBLINE_TABLE_ENDPOINT'), 'http://table:8000', 'where DynamoDB Local listens by default');
    assert.doesNotMatch(table, /\n {4}ports:/, 'it checks no credentials');
    const { port } = parseListen(settingOf('PLUMBLINE_LISTEN'));
    assert.match(service, new RegExp(`ports: \\["127\\.0\\.0\\.1:${port}:${port}"\\]`));
    assert.match(service, /command: \["\/plumbline\/bin\/plumb", "serve"\]/);
    assert.match(service, /volumes: \["\.\.\/\.\.:\/plumbline:ro", "\.:\/settings"\]/);
    assert.match(service, /image: node:24-/);
    // Longer than the service takes to finish what is under way.
    assert.ok(Number(/stop_grace_period: (\d+)s/.exec(service)?.[1]) * 1_000 > 20_000);
    assert.ok(text.includes(`folder objects/${settingOf('PLUMBLINE_BUCKET')}`));
  });
});
