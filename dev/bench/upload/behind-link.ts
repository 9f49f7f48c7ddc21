/**
 * Run in a network namespace of its own, whose loopback is the narrow link: lets the ports of the outside be reached on it,
 * and starts there what is to be measured.
 *
 *     node behind-link.ts SOCKETS PORT,PORT… PROGRAM PARAMETERS…
 */
import { spawn } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { openRelay } from './relay.ts';

const [sockets, ports, ...program] = process.argv.slice(2) as [string, string, ...string[]];
const others = Object.keys(networkInterfaces()).filter((name) => name !== 'lo');
if (others.length > 0) throw new Error(`This namespace has more than loopback: ${others.join(', ')}.`);
for (const port of ports.split(',')) await openRelay(Number(port), join(sockets, port));
const child = spawn(process.execPath, program, { stdio: ['ignore', 'inherit', 'inherit'] });
process.once('SIGTERM', () => child.kill('SIGTERM'));
child.once('exit', (code) => process.exit(code ?? 1));
