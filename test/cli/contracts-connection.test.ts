import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FileError } from '../../core/errors.ts';
import type { DeploymentsFile } from '../../core/wire/deployments-file.ts';
import { readConnection } from '../../library/connection.ts';

let home: string;
const at = (byte: string) => `0x${byte.repeat(20)}`;
const base = { rpcUrl: 'http://127.0.0.1:1', chainId: 7, apiUrl: 'http://127.0.0.1:2' };
const deployments: DeploymentsFile = {
  chainId: 7,
  contracts: {
    DISSC: { address: at('d1'), block: 100, args: {} },
    OCASC: {
      address: at('0c'),
      block: 101,
      args: { dissc: at('d1'), minWindowSeconds: 86_400, answerGas: 122_000, demandGas: 80_000 },
    },
    ASC: { address: at('a5'), block: 102, args: { dissc: at('d1') } },
  },
};

async function connectionOf(file: object) {
  await writeFile(join(home, 'connection.json'), JSON.stringify(file), { mode: 0o600 });
  return readConnection({ home, stack: undefined });
}

const refused = (file: object, what: RegExp) =>
  assert.rejects(connectionOf(file), (error: unknown) => {
    assert.ok(error instanceof FileError);
    assert.match(error.message, what);
    return true;
  });

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'plumbline-connection-'));
  await mkdir(join(home, 'deployments'));
  // Nothing in it is secret: it comes out of a repository, with that mode.
  await writeFile(join(home, 'deployments', '7.json'), JSON.stringify(deployments), { mode: 0o644 });
});
after(() => rm(home, { recursive: true }));

test('a connection takes all contracts from the deployments file it names, beside itself', async () => {
  const { dissc, ocasc, asc, fromBlock } = await connectionOf({ ...base, deployments: 'deployments/7.json' });
  assert.deepEqual(
    { dissc, ocasc, asc, fromBlock },
    { dissc: at('d1'), ocasc: at('0c'), asc: at('a5'), fromBlock: 100 },
  );
});

test('or as they are named themselves, those that are', async () => {
  const named = await connectionOf({ ...base, dissc: at('D1'), ocasc: at('0C'), fromBlock: 5 });
  assert.deepEqual(
    { dissc: named.dissc, ocasc: named.ocasc, asc: named.asc, fromBlock: named.fromBlock },
    { dissc: at('d1'), ocasc: at('0c'), asc: null, fromBlock: 5 },
  );
});

test('refuses a connection that names both, or neither', async () => {
  for (const more of [{ dissc: at('d1') }, { ocasc: at('0c') }, { asc: at('a5') }, { fromBlock: 0 }]) {
    await refused(
      { ...base, deployments: 'deployments/7.json', ...more },
      /names both deployments and single contracts/,
    );
  }
  await refused(base, /does not name the contracts/);
});

test('refuses a deployments file of another chain, malformed or missing', async () => {
  await refused({ ...base, chainId: 8, deployments: 'deployments/7.json' }, /for chain 7, .* for chain 8/);
  const broken = { ...deployments, contracts: { ...deployments.contracts, ASC: { address: at('a5'), block: -1 } } };
  await writeFile(join(home, 'broken.json'), JSON.stringify(broken));
  await refused({ ...base, deployments: 'broken.json' }, /malformed at contracts\.ASC/);
  await writeFile(join(home, 'text.json'), 'hello');
  await refused({ ...base, deployments: 'text.json' }, /is not JSON/);
  await refused({ ...base, deployments: 'none.json' }, /cannot be read \(ENOENT\)/);
});
