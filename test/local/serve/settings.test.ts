import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ownersOfFile } from '../../../local/serve/owners-file.ts';
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
    ...{ rpcUrls: [SECRET], chainId: 5, dissc: DISSC, bucket: 'segments', ownersFile: 'owners.json' },
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
    assert.deepEqual({ ...fromEnvironment, ownersFile: '', relayer: '' }, { ...fromFile, ownersFile: '', relayer: '' });
    assert.equal(fromFile.ownersFile, join(folder, 'owners.json'));
    const both = await read(whole, {
      PLUMBLINE_RPC_URLS: 'http://a.example, http://b.example',
      PLUMBLINE_CHAIN_ID: '7',
    });
    assert.deepEqual([both.chain.rpcUrl, both.chain.moreRpcUrls], ['http://a.example', ['http://b.example']]);
    assert.equal(both.chain.chainId, 7);
  });

  test('what is missing, malformed or unknown is named with its remedy, its value never', async () => {
    const refused: [object, RegExp][] = [
      [{ ...whole, bucket: undefined }, /lacks a setting.*PLUMBLINE_BUCKET/s],
      [{ ...whole, rpcUrls: ['a-key-of-the-node'] }, /malformed.*PLUMBLINE_RPC_URLS/s],
      [{ ...whole, rpcUrl: SECRET }, /rpcUrl, which is no setting/],
      [{ ...whole, dissc: undefined }, /PLUMBLINE_DEPLOYMENTS/],
      [{ ...whole, keystore: undefined }, /PLUMBLINE_KEYSTORE/],
      [{ ...whole, relayerKeyId: 'key' }, /two keys/],
      [{ ...whole, listen: '0.0.0.0:8080' }, /PLUMBLINE_AUTHORITIES/],
      [{ ...whole, listen: 'plumb.example:8080' }, /ADDRESS:PORT/],
      [{ ...whole, authorities: ['Plumb.Example'] }, /PLUMBLINE_AUTHORITIES/],
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

  test('owners are read again when their file is replaced, and stay when it is spoilt', async () => {
    const path = join(folder, 'owners.json');
    const owner = `0x${'0A'.repeat(20)}`;
    await writeFile(path, '{}');
    const warned: string[] = [];
    const owners = ownersOfFile(path, (message) => warned.push(message));
    assert.equal(owners().size, 0);
    await writeFile(path, JSON.stringify({ [owner]: 12 }));
    assert.deepEqual([...owners()], [[owner.toLowerCase(), 12]]);
    await writeFile(path, '{"0x12": 5, "spoilt": 1}');
    assert.deepEqual([...owners(), ...owners()].length, 2);
    await rm(path);
    assert.equal(owners().size, 1);
    assert.equal(warned.length, 2);
    assert.throws(() => ownersOfFile(path, () => undefined), /cannot be read/);
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
});
