import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTable } from '../../adapters/dynamodb/create-table.ts';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import type { Table } from '../../core/ports/table.ts';
import { DYNALITE_CREDENTIALS, startDynalite } from '../../local/stack/start-dynalite.ts';

async function tempFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-table-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function withTable<T>(endpoint: string, run: (table: Table) => Promise<T>): Promise<T> {
  const client = createDynamoClient({ region: 'us-east-1', endpoint, credentials: DYNALITE_CREDENTIALS });
  try {
    await createTable(client, 'plumbline');
    return await run(createDynamoTable({ client, tableName: 'plumbline' }));
  } finally {
    client.destroy();
  }
}

describe('the embedded table', () => {
  it('has after a restart what it had before', async (t) => {
    const folder = await tempFolder(t);
    const first = await startDynalite({ folder });
    await withTable(first.endpoint, (table) => table.put({ pk: 'a', sk: 'b', n: 7 }, 'absent'));
    await first.stop();
    await first.stop();
    const second = await startDynalite({ folder });
    try {
      const item = await withTable(second.endpoint, (table) => table.get('a', 'b'));
      assert.deepEqual(item, { pk: 'a', sk: 'b', version: 1, n: 7 });
    } finally {
      await second.stop();
    }
  });

  it('has after a kill everything that was answered', async (t) => {
    const folder = await tempFolder(t);
    const module = fileURLToPath(new URL('../../local/stack/start-dynalite.ts', import.meta.url));
    const script = `import { startDynalite } from ${JSON.stringify(module)};
      console.log((await startDynalite({ folder: ${JSON.stringify(folder)} })).endpoint);`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    await withTable(String(line).trim(), async (table) => {
      for (let n = 0; n < 50; n++) await table.put({ pk: 'a', sk: String(n).padStart(2, '0'), n }, 'absent');
    });
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    const again = await startDynalite({ folder });
    try {
      const { items } = await withTable(again.endpoint, (table) =>
        table.query('a', { from: '0', to: '9'.repeat(3), limit: 100 }),
      );
      assert.equal(items.length, 50);
    } finally {
      await again.stop();
    }
  });

  it('ends what callers have left behind before it closes its store', async () => {
    const table = await startDynalite({ folder: null });
    const client = createDynamoClient({
      ...{ region: 'us-east-1', endpoint: table.endpoint, credentials: DYNALITE_CREDENTIALS },
    });
    await createTable(client, 'plumbline');
    const { put } = createDynamoTable({ client, tableName: 'plumbline' });
    const left = Array.from({ length: 200 }, (_, n) => put({ pk: 'a', sk: `${n}`, n }, 'absent').catch(() => {}));
    // Until some have arrived. What fails behind the end would be an uncaught error, which fails this file.
    await left[0];
    client.destroy();
    await table.stop();
    await Promise.all(left);
  });

  it('listens on loopback only, and says that its port is taken', async () => {
    const first = await startDynalite({ folder: null });
    try {
      const { hostname, port } = new URL(first.endpoint);
      assert.equal(hostname, '127.0.0.1');
      await assert.rejects(startDynalite({ folder: null, port: Number(port) }), {
        name: 'StoreUnavailableError',
        message: /taken/,
      });
    } finally {
      await first.stop();
    }
  });
});
