import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { StoreUnavailableError } from '../../core/errors.ts';

// Below the range that the kernel gives to outgoing connections, which would take a port before its daemon does.
const FIRST_PORT = 15_000;
const LAST_PORT = 32_000;
const ATTEMPTS = 1_000;
const given = new Set<number>();

/** So many ports of loopback that nobody listens at, for programs that cannot choose one themselves. */
export async function loopbackPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let attempt = 0; attempt < ATTEMPTS && ports.length < count; attempt++) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    ports.push(port);
  }
  if (ports.length === count) return ports;
  throw new StoreUnavailableError(`There are no ${count} free ports between ${FIRST_PORT} and ${LAST_PORT}.`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
