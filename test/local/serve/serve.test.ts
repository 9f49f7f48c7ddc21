import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type BenchOwner, openOwner } from '../../../dev/bench/parts/open-owner.ts';
import type { Parts } from '../../../dev/bench/parts/start-parts.ts';
import { readServeSettings } from '../../../local/serve/serve-settings.ts';
import { type RunningService, startService } from '../../../local/serve/start-service.ts';
import { type EmbeddedParts, startEmbeddedParts } from './embedded-parts.ts';

const LIMITS = { waitMs: 20, probeEveryMs: 30, healthEveryMs: 40, anchorEveryMs: 100, closeTimeoutMs: 5_000 };

describe('plumb serve, on parts that send no events', () => {
  let parts: EmbeddedParts;
  let config: string;
  const lines: Record<string, unknown>[] = [];
  const start = async (more: object = {}): Promise<RunningService> => {
    await writeFile(config, JSON.stringify({ ...parts.settings, ...more }), { mode: 0o600 });
    return startService({
      settings: await readServeSettings(config, {}),
      log: (line) => lines.push({ ...line }),
      limits: LIMITS,
    });
  };
  const ownerOf = ({ apiUrl }: RunningService): Promise<BenchOwner> => {
    const contracts = { DISSC: parts.settings.dissc };
    const stack = { rpcUrl: parts.chain.rpcUrl, chainId: parts.chain.chainId, contracts, apiUrl };
    return openOwner({ stack, folder: parts.folder, admit: parts.admit } as unknown as Parts);
  };
  const signal = new AbortController().signal;
  const said = (level: string) => lines.filter((line) => line.level === level);

  before(async () => {
    parts = await startEmbeddedParts();
    Object.assign(process.env, parts.environment);
    config = join(parts.folder, 'serve.json');
  });
  after(() => parts.stop());

  test('stores, checks in and records what an owner of its file has, and goes on after it was ended', async () => {
    const first = await start();
    const owner = await ownerOf(first);
    const [dataset] = await owner.open(1);
    assert.ok(dataset);
    await owner.store(dataset, [new Uint8Array(100), new Uint8Array(200)], signal);
    await owner.untilFinal(dataset, signal);
    assert.equal(first.account, parts.account);
    const answer = await fetch(`${first.apiUrl}/health`);
    assert.deepEqual([answer.status, await answer.json()], [200, { status: 'ok' }]);
    const port = new URL(first.apiUrl).port;
    await first.stop();
    await assert.rejects(fetch(`${first.apiUrl}/health`));

    const second = await start({ listen: `127.0.0.1:${port}` });
    try {
      await owner.store(dataset, [new Uint8Array(300)], signal);
      await owner.untilFinal(dataset, signal);
      const { batches } = await owner.service.listBatches(dataset.writer.dataset, { from: 0 }, signal);
      assert.deepEqual(
        batches.map(({ first: index }) => index),
        [0, 2],
      );
    } finally {
      await second.stop();
    }
  });

  test('says that a part has gone, in its log and at /health, and that it is back', async () => {
    const service = await start();
    try {
      const { port } = parts.s3;
      await parts.s3.close();
      await until(() => service.health().objects !== null);
      assert.equal((await fetch(`${service.apiUrl}/health`)).status, 503);
      await until(() => said('error').some(({ message }) => message === 'a part does not answer'));
      parts.s3 = await parts.restartObjects(port);
      await until(() => service.health().objects === null);
      assert.equal((await fetch(`${service.apiUrl}/health`)).status, 200);
    } finally {
      await service.stop();
    }
  });

  test('waits for a node that is not there yet, and asks the next one meanwhile', async () => {
    const dead = 'http://127.0.0.1:9';
    const service = await start({ rpcUrls: [dead, parts.chain.rpcUrl] });
    await service.stop();
    const giveUp = new AbortController();
    await writeFile(config, JSON.stringify({ ...parts.settings, rpcUrls: [dead] }), { mode: 0o600 });
    const settings = await readServeSettings(config, {});
    const log = (line: object): void => {
      if ((line as { message?: string }).message === 'waiting') giveUp.abort();
    };
    await assert.rejects(startService({ settings, log, limits: LIMITS }, giveUp.signal), { name: 'AbortError' });
  });

  test('a request that is addressed to another name is refused, whatever a proxy may forward', async () => {
    const service = await start({ authorities: ['plumb.example'] });
    try {
      const { status, headers } = await fetch(`${service.apiUrl}/v1/openapi.json`);
      assert.equal(status, 200);
      assert.equal(headers.get('access-control-allow-origin'), null);
      for (const [host, forwarded, expected] of [
        ['plumb.example', undefined, 200],
        ['rebound.example', undefined, 401],
        ['rebound.example', 'plumb.example', 401],
      ] as const) {
        assert.equal(await statusOf(service.apiUrl, host, forwarded), expected, `${host}, ${forwarded}`);
      }
    } finally {
      await service.stop();
    }
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** fetch sets Host itself. */
async function statusOf(apiUrl: string, host: string, forwarded: string | undefined): Promise<number | undefined> {
  const { request } = await import('node:http');
  const headers = { host, ...(forwarded === undefined ? {} : { 'x-forwarded-host': forwarded }) };
  return new Promise((resolve, reject) => {
    const sent = request(`${apiUrl}/v1/openapi.json`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject).end();
  });
}
