import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { platform } from 'node:os';

/** How a program is started that listens where it should not. */
export interface Hiding {
  /** Whether nobody but who has a socket in the file system reaches it. */
  readonly hidden: boolean;
  /** The program and arguments to put before its own. */
  readonly before: readonly string[];
  /** The address to give it. */
  readonly host: string;
}

const NAMESPACE = ['unshare', '--user', '--map-root-user', '--net'] as const;
const PROBE_TIMEOUT_MS = 5_000;
let known: boolean | null = null;

/**
 * Hides what a program listens on. In a network namespace of its own (Linux, where users may make one) there is nobody else.
 * Elsewhere an address of loopback drawn at random keeps web pages from finding it, but not the other users of the machine;
 * where there is one address only, as on macOS, nothing does.
 */
export function hideListener(): Hiding {
  known ??= hasNamespaces();
  if (known) return { hidden: true, before: NAMESPACE, host: '127.0.0.1' };
  const host =
    platform() === 'linux' ? `127.${randomInt(1, 255)}.${randomInt(0, 256)}.${randomInt(1, 255)}` : '127.0.0.1';
  return { hidden: false, before: [], host };
}

function hasNamespaces(): boolean {
  if (platform() !== 'linux') return false;
  const [program, ...parameters] = NAMESPACE;
  return spawnSync(program, [...parameters, 'true'], { stdio: 'ignore', timeout: PROBE_TIMEOUT_MS }).status === 0;
}
