import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { createJsonRpc, type JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { openChainSocket } from './ask-ipc.ts';
import { type ChainDoor, type ChainDoorOptions, type ChainTokens, openChainDoor } from './chain-door.ts';
import { hideListener } from './hide-listener.ts';
import { keepChainState } from './keep-chain-state.ts';
import { BLOCKS_UNTIL_FINAL, startMining } from './mine-blocks.ts';

export interface AnvilOptions {
  /**
   * Keeps the chain over restarts, and what was final over SIGKILL at any moment; null forgets it. With `instant` and
   * `manual` mining it is written by `stop` alone.
   */
  readonly stateFile: string | null;
  readonly chainId?: number;
  /** Where it is reached; a free port of loopback when not given. */
  readonly door?: Partial<Pick<ChainDoorOptions, 'host' | 'port' | 'moreAuthorities' | 'tokens'>>;
  /**
   * `blockTimeMs`: at most one block in that time, and none while nothing is pending and everything is final.
   * `instant`: a block for every transaction. `manual`: none but those asked for.
   */
  readonly mining?: { readonly blockTimeMs: number } | 'instant' | 'manual';
}

export interface RunningAnvil extends Pick<ChainDoor, 'rpcUrl' | 'publicRpcUrl'> {
  /** Whether other users of this machine cannot reach it but through its door. */
  readonly hidden: boolean;
  readonly chainId: number;
  readonly pid: number;
  /** Settles when the process has ended, whoever ended it. */
  readonly exited: Promise<void>;
  /** Ends it with its state written. */
  stop(): Promise<void>;
}

export const LOCAL_CHAIN_ID = 31337;
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const MAX_OUTPUT_CHARS = 4000;

// With one slot an epoch, a block is final when two more follow: "latest" and "final" really differ.
// Each state is a whole copy of the chain's accounts: so many are kept that reads at the final block find theirs, and none
// are left behind in the user's home.
const CHAIN_ARGUMENTS = ['--slots-in-an-epoch', '1', '--prune-history', '16', '--accounts', '0', '--no-cors'];

/** Requests behind which there may be something to mine; nothing comes to the chain but through its door. */
const SENDS = /send/i;

// The shell becomes anvil. Beside it waits `cat` for the end of a pipe that this process holds: when this process dies,
// however it dies, anvil is told to end, and after five seconds made to.
const DIE_WITH_PARENT = `exec 3<&0
(cat <&3 >/dev/null; kill -TERM $$; for i in 1 2 3 4 5; do sleep 1; kill -0 $$ || break; done; rm -rf "$PLUMBLINE_SOCKETS"; kill -0 $$ && kill -KILL $$) >/dev/null 2>&1 &
exec 3<&-
exec "$0" "$@" </dev/null`;

/**
 * Starts a local chain. Nobody reaches it but through its door: anvil itself checks nobody, and answers any page and user.
 * @throws LedgerUnavailableError when it does not come up, with what it said
 */
export async function startAnvil(options: AnvilOptions): Promise<RunningAnvil> {
  const { stateFile, chainId = LOCAL_CHAIN_ID, mining = { blockTimeMs: 1000 } } = options;
  const { hidden, before, host } = hideListener();
  const sockets = await mkdtemp(join(tmpdir(), 'plumbline-chain-'));
  const ipc = join(sockets, 'ipc');
  const arguments_ = [
    ...CHAIN_ARGUMENTS,
    ...['--chain-id', String(chainId), '--port', '0', '--host', host, '--ipc', ipc],
    ...(mining === 'instant' ? [] : ['--no-mining']),
    ...(stateFile !== null && existsSync(stateFile) ? ['--load-state', stateFile] : []),
  ];
  const child = spawn('/bin/sh', ['-c', DIE_WITH_PARENT, ...before, findAnvil(), ...arguments_], {
    env: { ...process.env, PLUMBLINE_SOCKETS: sockets },
    stdio: ['pipe', 'pipe', 'pipe'],
    // Out of the terminal's process group: an interrupt is the stack's to handle, in its order.
    detached: true,
  });
  // Writing to a pipe nobody reads any more is how a child's end looks from here.
  child.stdin.on('error', () => {});
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // Even the watcher goes when anvil has gone.
  child.once('exit', () => killGroup(child));

  const chainSocket = openChainSocket(ipc);
  let sendings = 0;
  const ask = async (body: string, signal: AbortSignal): Promise<string> => {
    try {
      return await chainSocket.ask(body, signal);
    } finally {
      if (SENDS.test(body)) sendings++;
    }
  };
  const door = await openDoor(child, exited, ask, options.door).catch(async (error: unknown) => {
    killGroup(child);
    await rm(sockets, { recursive: true, force: true });
    throw error;
  });
  const { rpcUrl, publicRpcUrl } = door;
  const rpc = createJsonRpc({ rpcUrl, chainId });
  const keep = async (): Promise<void> => {
    if (stateFile !== null) await keepChainState(rpc, stateFile);
  };
  const resumed = await finalizeResumed(rpc);
  if (resumed) await keep();
  const miner =
    typeof mining === 'string'
      ? null
      : startMining({ rpc, blockTimeMs: mining.blockTimeMs, keep, sendings: () => sendings });
  return {
    ...{ rpcUrl, publicRpcUrl, hidden },
    chainId,
    pid: child.pid as number,
    exited,
    async stop() {
      await miner?.stop();
      // A chain that has gone cannot be written down; what was final is.
      await keep().catch(() => {});
      await door.close();
      chainSocket.close();
      child.stdin.end();
      const timer = setTimeout(() => killGroup(child), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(timer);
      await rm(sockets, { recursive: true, force: true });
    },
  };
}

/** All that was written down may be final. Without blocks behind it, it would not be again until something is sent. */
async function finalizeResumed(rpc: JsonRpc): Promise<boolean> {
  if ((await rpc.call('eth_blockNumber', [])) === '0x0') return false;
  for (let i = 0; i < BLOCKS_UNTIL_FINAL; i++) await rpc.call('evm_mine', []);
  return true;
}

async function openDoor(
  child: Child,
  exited: Promise<void>,
  ask: ChainDoorOptions['ask'],
  given: AnvilOptions['door'],
): Promise<ChainDoor> {
  await untilListening(child, exited);
  const options = { host: '127.0.0.1', port: 0, tokens: newTokens(), ...given };
  try {
    return await openChainDoor({ ...options, ask });
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'is in use' : `cannot be listened to (${code})`;
    throw new LedgerUnavailableError(`Port ${options.port} of ${options.host}, for the chain, ${why}.`, { cause });
  }
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** anvil says when it listens. */
async function untilListening(child: Child, exited: Promise<void>): Promise<void> {
  let said = '';
  const failed = (what: string) =>
    new LedgerUnavailableError(`anvil ${what}. It said: ${said.trim().slice(-1000) || 'nothing'}`);
  const listening = new Promise<void>((resolve, reject) => {
    const listen = (data: string) => {
      said = (said + data).slice(-MAX_OUTPUT_CHARS);
      if (/Listening on [0-9.]+:\d+/.test(said)) resolve();
    };
    // Listened to as long as it runs: a full pipe would stop it.
    child.stdout.setEncoding('utf8').on('data', listen);
    child.stderr.setEncoding('utf8').on('data', listen);
    child.once('error', (cause) => reject(new LedgerUnavailableError('anvil cannot be started.', { cause })));
    exited.then(() => reject(failed('ended at once')));
  });
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(failed(`did not listen within ${START_TIMEOUT_MS} ms`)), START_TIMEOUT_MS);
  try {
    await Promise.race([listening, late]);
  } catch (error) {
    killGroup(child);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Secrets of a chain's two addresses. */
export function newTokens(): ChainTokens {
  const [keeper, anyone] = [randomBytes(24).toString('base64url'), randomBytes(24).toString('base64url')];
  return { keeper, anyone };
}

function killGroup(child: Child): void {
  child.stdin.destroy();
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}

function findAnvil(): string {
  const name = `@foundry-rs/anvil-${platform()}-${arch() === 'x64' ? 'amd64' : arch()}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(dirname(manifest), 'bin', 'anvil');
  } catch (cause) {
    throw new LedgerUnavailableError(`The package ${name} is not installed. Run npm ci on a supported platform.`, {
      cause,
    });
  }
}
