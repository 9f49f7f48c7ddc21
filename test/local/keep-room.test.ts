import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { keepRoom } from '../../local/host/keep-room.ts';
import { readBody } from '../../local/host/read-body.ts';

const MOST = 8;

test('silent connections, slow headers and slow bodies keep nobody out, and who is being answered stays', async (t) => {
  const server = createServer();
  const room = keepRoom(server, MOST);
  const release = Promise.withResolvers<void>();
  server.on('request', async (incoming, response) => {
    room.take(incoming, response);
    response.on('error', () => undefined);
    await readBody(incoming, 1_000).catch(() => null);
    if (incoming.url === '/long') await release.promise;
    response.end('answered');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const open = async (bytes: string): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    if (bytes !== '') socket.write(bytes);
    return socket;
  };

  const url = `http://127.0.0.1:${port}`;
  const long = fetch(`${url}/long`);
  while (room.counted.open === 0) await new Promise((resolve) => setImmediate(resolve));
  // Its request is in before anybody comes.
  await (await fetch(`${url}/short`)).text();
  const slow = ['', 'GET / HT', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\nsome'];
  const attackers: Socket[] = [];
  for (let i = 0; i < 5 * MOST; i++) {
    attackers.push(await open(slow[i % slow.length] as string));
    assert.equal(await (await fetch(`${url}/short`, { headers: { connection: 'close' } })).text(), 'answered');
  }
  assert.ok(room.counted.open <= MOST, `${room.counted.open} connections are open`);
  assert.ok(room.counted.evicted >= 4 * MOST, `${room.counted.evicted} were closed for others`);
  release.resolve();
  assert.equal(await (await long).text(), 'answered');
  for (const socket of attackers) socket.destroy();
});

test('where everybody is being answered, it is the newcomer who is refused', async (t) => {
  const server = createServer();
  const room = keepRoom(server, 2);
  const release = Promise.withResolvers<void>();
  server.on('request', async (incoming, response) => {
    room.take(incoming, response);
    incoming.resume();
    await release.promise;
    response.end('answered');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let begun = 0;
  server.on('request', () => begun++);
  const answers = [fetch(url), fetch(url)];
  while (begun < 2) await new Promise((resolve) => setImmediate(resolve));
  await assert.rejects(fetch(url), TypeError);
  release.resolve();
  for (const answer of answers) assert.equal(await (await answer).text(), 'answered');
});
