import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { create } from 'kubo-rpc-client';
import { createKuboP2pfs } from '../../adapters/ipfs/kubo-p2pfs.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import { startIpfs } from '../../local/ipfs/start-ipfs.ts';

/** The embedded node behind a gate that wants a token for every request, as Kubo does with API.Authorizations. */
test('a node that asks for a token is given it in every request, and refuses one without', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-kubo-token-'));
  const ipfs = await startIpfs({ folder, port: 0 });
  const gate = createServer((request, response) => {
    if (request.headers.authorization !== 'Bearer open sesame') {
      request.resume();
      response.writeHead(403).end('Kubo RPC Access Denied: Please provide a valid authorization token');
      return;
    }
    const { host } = new URL(ipfs.apiUrl);
    const target = new URL(String(request.url), ipfs.apiUrl);
    const passed = forward(target, { method: 'POST', headers: { ...request.headers, host } }, (answered) => {
      response.writeHead(answered.statusCode as number, answered.headers);
      answered.pipe(response);
    });
    request.pipe(passed);
  });
  gate.listen(0, '127.0.0.1');
  await once(gate, 'listening');
  const apiUrl = `http://127.0.0.1:${(gate.address() as AddressInfo).port}`;
  const trusted = createKuboP2pfs({ apiUrl, bearerToken: 'open sesame' });
  const strangers = [createKuboP2pfs({ apiUrl }), createKuboP2pfs({ apiUrl, bearerToken: 'open barley' })];
  t.after(async () => {
    for (const node of [trusted, ...strangers]) node.close();
    gate.closeAllConnections();
    gate.close();
    await ipfs.stop();
    await rm(folder, { recursive: true });
  });
  const content = new TextEncoder().encode('content');
  const { cid } = await create({ url: ipfs.apiUrl }).add(content, { rawLeaves: true, cidVersion: 1 });

  assert.deepEqual(await trusted.readFile(cid.toString(), 100), content);
  assert.deepEqual(await trusted.getBlock(cid.toString(), 100), content);
  for (const stranger of strangers) {
    await assert.rejects(stranger.readFile(cid.toString(), 100), StoreUnavailableError);
    await assert.rejects(stranger.getBlock(cid.toString(), 100), StoreUnavailableError);
  }
});
