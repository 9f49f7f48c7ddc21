import { spawn } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';

/*
 * Run in a network namespace of its own, where there is nothing but loopback: starts a program that listens on every
 * interface, and lets its port be reached through a socket in the file system, which namespaces share.
 *
 *   node namespace-relay.ts SOCKET PORT COMMAND PARAMETERS…
 */
const [socketPath, port, command, ...parameters] = process.argv.slice(2) as [string, string, string, ...string[]];
const others = Object.keys(networkInterfaces()).filter((name) => name !== 'lo');
if (others.length > 0) throw new Error(`This namespace has more than loopback: ${others.join(', ')}.`);

const child = spawn(command, parameters, { stdio: ['ignore', 'inherit', 'inherit'] });
child.once('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
child.once('exit', (code) => process.exit(code ?? 1));
process.once('SIGTERM', () => child.kill('SIGTERM'));

rmSync(socketPath, { force: true });
createServer((outside) => {
  const inside = connect({ port: Number(port), host: '127.0.0.1' });
  for (const [from, to] of [
    [outside, inside],
    [inside, outside],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }
}).listen(socketPath, () => chmodSync(socketPath, 0o600));
