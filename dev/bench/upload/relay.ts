import { chmodSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Where a connection comes in and where it goes on: a port of loopback, or a socket in the file system. */
export type End = number | string;

/** Carries every connection from one end to the other, until closed. */
export async function openRelay(from: End, to: End): Promise<{ close(): void }> {
  const open = new Set<Socket>();
  const server: Server = createServer((outside) => {
    const inside = typeof to === 'number' ? connect(to, '127.0.0.1') : connect(to);
    for (const [source, target] of [
      [outside, inside],
      [inside, outside],
    ] as const) {
      open.add(source);
      source.setNoDelay();
      source.pipe(target);
      source.on('error', () => target.destroy());
      source.on('close', () => {
        open.delete(source);
        target.destroy();
      });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (typeof from === 'number') server.listen(from, '127.0.0.1', resolve);
    else server.listen(from, resolve);
  });
  if (typeof from === 'string') chmodSync(from, 0o600);
  return {
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
