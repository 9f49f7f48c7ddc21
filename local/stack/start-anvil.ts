import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { createJsonRpc, type JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { keepChainState } from './keep-chain-state.ts';
import { BLOCKS_UNTIL_FINAL, startMining } from './mine-blocks.ts';

export interface AnvilOptions {
  /**
   * Keeps the chain over restarts, and what was final over SIGKILL at any moment; null forgets it. With `instant` and
   * `manual` mining it is written by `stop` alone.
   */
  readonly stateFile: string | null;
  readonly chainId?: number;
  /** 0 takes a free one. */
  readonly port?: number;
  /**
   * `blockTimeMs`: at most one block in that time, and none while nothing is pending and everything is final.
   * `instant`: a block for every transaction. `manual`: none but those asked for.
   */
  readonly mining?: { readonly blockTimeMs: number } | 'instant' | 'manual';
}

export interface RunningAnvil {
  readonly rpcUrl: string;
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
const CHAIN_ARGUMENTS = ['--slots-in-an-epoch', '1', '--prune-history', '16', '--accounts', '0', '--host', '127.0.0.1'];

// The shell becomes anvil. Beside it waits `cat` for the end of a pipe that this process holds: when this process dies,
// however it dies, anvil is told to end, and after five seconds made to.
const DIE_WITH_PARENT = `exec 3<&0
(cat <&3 >/dev/null; kill -TERM $$; for i in 1 2 3 4 5; do sleep 1; kill -0 $$ || exit 0; done; kill -KILL $$) >/dev/null 2>&1 &
exec 3<&-
exec "$0" "$@" </dev/null`;

/** Starts a local chain on loopback. @throws LedgerUnavailableError when it does not come up, with what it said */
export async function startAnvil(options: AnvilOptions): Promise<RunningAnvil> {
  const { stateFile, chainId = LOCAL_CHAIN_ID, port = 0, mining = { blockTimeMs: 1000 } } = options;
  const arguments_ = [
    ...CHAIN_ARGUMENTS,
    ...['--chain-id', String(chainId), '--port', String(port)],
    ...(mining === 'instant' ? [] : ['--no-mining']),
    ...(stateFile !== null && existsSync(stateFile) ? ['--load-state', stateFile] : []),
  ];
  const child = spawn('/bin/sh', ['-c', DIE_WITH_PARENT, findAnvil(), ...arguments_], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Out of the terminal's process group: an interrupt is the stack's to handle, in its order.
    detached: true,
  });
  // Writing to a pipe nobody reads any more is how a child's end looks from here.
  child.stdin.on('error', () => {});
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // Even the watcher goes when anvil has gone.
  child.once('exit', () => killGroup(child));

  const rpcUrl = await untilListening(child, exited);
  const rpc = createJsonRpc({ rpcUrl, chainId });
  const keep = async (): Promise<void> => {
    if (stateFile !== null) await keepChainState(rpc, stateFile);
  };
  const resumed = await finalizeResumed(rpc);
  if (resumed) await keep();
  const miner = typeof mining === 'string' ? null : startMining({ rpc, blockTimeMs: mining.blockTimeMs, keep });
  return {
    rpcUrl,
    chainId,
    pid: child.pid as number,
    exited,
    async stop() {
      await miner?.stop();
      // A chain that has gone cannot be written down; what was final is.
      await keep().catch(() => {});
      child.stdin.end();
      const timer = setTimeout(() => killGroup(child), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** All that was written down may be final. Without blocks behind it, it would not be again until something is sent. */
async function finalizeResumed(rpc: JsonRpc): Promise<boolean> {
  if ((await rpc.call('eth_blockNumber', [])) === '0x0') return false;
  for (let i = 0; i < BLOCKS_UNTIL_FINAL; i++) await rpc.call('evm_mine', []);
  return true;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** anvil says which port it got. */
async function untilListening(child: Child, exited: Promise<void>): Promise<string> {
  let said = '';
  const failed = (what: string) =>
    new LedgerUnavailableError(`anvil ${what}. It said: ${said.trim().slice(-1000) || 'nothing'}`);
  const listening = new Promise<string>((resolve, reject) => {
    const listen = (data: string) => {
      said = (said + data).slice(-MAX_OUTPUT_CHARS);
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
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
    return await Promise.race([listening, late]);
  } catch (error) {
    killGroup(child);
    throw error;
  } finally {
    clearTimeout(timer);
  }
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
