import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { writeConsole } from './console/build-console.ts';
import { writeCheckPage } from './console/write-page.ts';

/*
 * The local stack, restarted whenever a source that it has loaded changes; its data and addresses stay. Arguments are those of
 * `plumb local up`.
 */

// The pages that it serves are of these sources, too.
await Promise.all([writeCheckPage(), writeConsole()]);

const plumb = join(import.meta.dirname, '..', 'cli', 'plumb.ts');
const watched = ['--watch', '--watch-preserve-output', plumb, 'local', 'up', ...process.argv.slice(2)];
// In a process group of its own: Node passes an interrupt on to what it watches, and a stack that hears two gives up at once.
const watcher = spawn(process.execPath, watched, { stdio: ['ignore', 'inherit', 'inherit'], detached: true });

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    watcher.kill('SIGTERM');
  });
}
watcher.once('error', (error) => {
  console.error(`${process.execPath} cannot be started: ${error.message}`);
  process.exitCode = 1;
});
watcher.once('close', (status) => {
  process.exitCode = stopping ? 0 : (status ?? 1);
});
