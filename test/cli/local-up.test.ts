import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runPlumb, startStackUnderTest } from './run-plumb.ts';

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-up-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function blockNumber(rpcUrl: string): Promise<number> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_blockNumber', params: [] });
  const response = await fetch(rpcUrl, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  return Number(((await response.json()) as { result: string }).result);
}

test('local up: killed with -9, it comes back with the same addresses and data, and its chain has gone with it', () =>
  inFolder(async (folder) => {
    const first = await startStackUnderTest(folder);
    const before = JSON.parse(await readFile(first.stackFile, 'utf8'));
    assert.equal((await stat(first.stackFile)).mode & 0o777, 0o600);
    const height = await blockNumber(before.rpcUrl);
    assert.ok(height >= 1);
    await first.end('SIGKILL');

    const second = await startStackUnderTest(folder);
    try {
      const after = JSON.parse(await readFile(second.stackFile, 'utf8'));
      assert.deepEqual(after, before);
      assert.ok((await blockNumber(after.rpcUrl)) >= 1);
    } finally {
      assert.equal(await second.end('SIGINT'), 0);
    }
    await assert.rejects(stat(second.stackFile), 'a stopped stack leaves no stack.json');
    await assert.rejects(blockNumber(before.rpcUrl), 'its chain is stopped with it');
  }));

test('local up: a second one in the same folder says which process holds it, and harms nothing', () =>
  inFolder(async (folder) => {
    const stack = await startStackUnderTest(folder);
    try {
      const second = await runPlumb(['local', 'up', '--data', folder, '--json']);
      assert.equal(second.exitCode, 6);
      const { error } = JSON.parse(second.stdout);
      assert.match(error.message, new RegExp(`${stack.child.pid}`));
      const { rpcUrl } = JSON.parse(await readFile(stack.stackFile, 'utf8'));
      assert.ok((await blockNumber(rpcUrl)) >= 1);
    } finally {
      await stack.end('SIGINT');
    }
  }));

test('local up: a port that somebody else took meanwhile is named, with its part', () =>
  inFolder(async (folder) => {
    const stack = await startStackUnderTest(folder);
    const { apiUrl } = JSON.parse(await readFile(stack.stackFile, 'utf8'));
    await stack.end('SIGTERM');
    const port = Number(new URL(apiUrl).port);
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(port, '127.0.0.1', resolve));
    try {
      const refused = await runPlumb(['local', 'up', '--data', folder]);
      assert.equal(refused.exitCode, 6);
      assert.match(refused.stderr, new RegExp(`Port ${port} .* api .*taken`));
    } finally {
      await new Promise((resolve) => squatter.close(resolve));
    }
  }));

test('local up: secrets that others could read are refused, and the remedy is named', () =>
  inFolder(async (folder) => {
    const stack = await startStackUnderTest(folder);
    await stack.end('SIGINT');
    await chmod(join(folder, 'secrets.json'), 0o644);
    const refused = await runPlumb(['local', 'up', '--data', folder]);
    assert.equal(refused.exitCode, 2);
    assert.match(refused.stderr, /mode 0644.*chmod 600/s);
  }));
