import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { create } from 'kubo-rpc-client';
import { type RunningIpfs, startIpfs } from '../../../local/ipfs/start-ipfs.ts';
import { p2pfsConformance } from './suite.ts';

let folder = '';
let ipfs: RunningIpfs;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-ipfs-'));
  ipfs = await startIpfs({ folder });
});
after(async () => {
  await ipfs.stop();
  await rm(folder, { recursive: true, force: true });
});

p2pfsConformance('embedded', () => ipfs.apiUrl);

describe('the embedded P2PFS', () => {
  const post = (headers: Record<string, string>, path = '/api/v0/id', method = 'POST'): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = request(`${ipfs.apiUrl}${path}`, { method, headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sent.on('error', reject).end();
    });

  it('refuses pages of other origins and names that are not its own', async () => {
    const { host } = new URL(ipfs.apiUrl);
    assert.equal(await post({}), 200);
    assert.equal(await post({ origin: `http://${host}` }), 200);
    assert.equal(await post({ host: host.replace('127.0.0.1', 'localhost') }), 200);
    for (const headers of [
      ...[{ origin: 'http://evil.example' }, { origin: 'null' }, { origin: 'http://127.0.0.1:1' }],
      ...[{ host: 'evil.example' }, { host: '127.0.0.1' }, { referer: 'http://evil.example/page' }],
    ]) {
      assert.equal(await post(headers), 403, JSON.stringify(headers));
    }
  });

  it('answers POST alone, and only what it knows', async () => {
    assert.equal(await post({}, '/api/v0/id', 'GET'), 405);
    assert.equal(await post({}, '/api/v0/shutdown'), 404);
    assert.equal(await post({}, '/api/v0/constructor'), 404);
    assert.equal(await post({}, '/'), 404);
    assert.equal(await post({}, '/api/v0/block/get'), 400);
    assert.equal(await post({}, '/api/v0/block/get?arg=..%2F..%2Fidentity'), 500);
  });

  it('comes back with its blocks, pins and name after a stop', async () => {
    const own = await mkdtemp(join(tmpdir(), 'plumbline-ipfs-'));
    try {
      const first = await startIpfs({ folder: own });
      const before = create({ url: first.apiUrl });
      const { cid } = await before.add(new Uint8Array(600_000));
      const { id } = await before.id();
      await first.stop();
      const second = await startIpfs({ folder: own });
      const again = create({ url: second.apiUrl });
      const pins: string[] = [];
      for await (const pin of again.pin.ls({ type: 'recursive' })) pins.push(pin.cid.toString());
      assert.deepEqual(pins, [cid.toString()]);
      assert.equal((await again.id()).id.toString(), id.toString());
      await again.pin.rm(cid);
      await assert.rejects(async () => {
        for await (const _ of again.pin.ls({ paths: cid })) assert.fail('It is pinned.');
      }, /not pinned/);
      await second.stop();
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  });
});
