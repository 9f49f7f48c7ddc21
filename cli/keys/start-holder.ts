import { spawn } from 'node:child_process';
import { StateError } from '../../core/errors.ts';
import type { HoldOrder } from './keys-hold.ts';

const START_TIMEOUT_MS = 20_000;
/** Whoever called may have files open, locks among them, which would stay open with this process. */
const WITHOUT_FILES = `exec ${[3, 4, 5, 6, 7, 8, 9].map((file) => `${file}<&-`).join(' ')}`;
/** No more is read of what it says. */
const MAX_SAID_CHARS = 4_096;

/**
 * Starts the process that holds a key, and waits until it listens. It has a session of its own, so neither Ctrl-C nor the end of
 * the terminal reaches it; no environment, as `NODE_OPTIONS` could have it write its memory; no debugger at a signal, which
 * would listen to every user of the machine; and no core dumps. The key goes through a pipe.
 * @throws StateError when it does not come up
 */
export async function startHolder(order: HoldOrder, key: Uint8Array, signal: AbortSignal): Promise<void> {
  const child = spawnHolder();
  try {
    const said = readLine(child, signal);
    // If it has ended, `said` tells.
    child.stdin.on('error', () => {});
    child.stdin.write(key);
    child.stdin.end(`${JSON.stringify(order)}\n`);
    requireReady(await said);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    child.stdout.destroy();
    child.stdin.destroy();
    child.unref();
  }
}

function spawnHolder() {
  // It holds two numbers and 64 bytes: left to itself, V8 lets garbage grow with the memory it sees.
  const flags = ['--disable-sigusr1', '--max-semi-space-size=1', '--max-old-space-size=64'];
  const program = [process.execPath, ...flags, process.argv[1] as string, 'keys', 'hold'];
  return spawn('/bin/sh', ['-c', `${WITHOUT_FILES}; ulimit -c 0; exec "$@"`, 'plumb', ...program], {
    detached: true,
    cwd: '/',
    env: {},
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}

function readLine(child: ReturnType<typeof spawnHolder>, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const late = setTimeout(
    () => reject(new StateError(`The key holder did not start within ${START_TIMEOUT_MS / 1000} s. Try again.`)),
    START_TIMEOUT_MS,
  );
  const interrupt = (): void => reject(signal.reason);
  signal.addEventListener('abort', interrupt, { once: true });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said.includes('\n') || said.length > MAX_SAID_CHARS) resolve(said);
  });
  child.once('error', (cause) =>
    reject(new StateError(`The key holder cannot be started: ${cause.message}.`, { cause })),
  );
  child.once('close', () => resolve(said));
  return promise.finally(() => {
    clearTimeout(late);
    signal.removeEventListener('abort', interrupt);
  });
}

function requireReady(line: string): void {
  let said: { state?: unknown; error?: { message?: unknown } };
  try {
    said = JSON.parse(line);
  } catch {
    throw new StateError('The key holder ended before it was ready. Try again.');
  }
  if (said.state === 'ready') return;
  throw new StateError(`The key holder did not start. ${said.error?.message ?? ''}`.trim());
}
