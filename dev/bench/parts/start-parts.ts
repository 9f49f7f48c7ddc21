import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address } from '../../../core/ids.ts';
import { isInstalled } from '../../real/programs/find-program.ts';
import { type RealProgram, VERSIONS } from '../../real/programs/versions.ts';
import type { PartsAddress, PartsAnswer, PartsOrder } from './serve-parts.ts';

/** The service and everything it runs on. */
export interface Parts extends PartsAddress {
  readonly kind: 'real' | 'embedded';
  /** What runs, with versions: one line. */
  readonly named: string;
  /** A folder for whatever a figure keeps. */
  readonly folder: string;
  /** Serves an owner, and gives her ether. */
  admit(owner: Address): Promise<void>;
  /** Gives an account ether. */
  fund(account: Address): Promise<void>;
  stop(): Promise<void>;
}

const NEEDED: readonly RealProgram[] = ['geth', 'kubo', 'versitygw', 'dynamodb-local'];
const PROGRAM = join(import.meta.dirname, 'serve-parts.ts');
const START_TIMEOUT_MS = 90_000;
const ORDER_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 40_000;

/** Names of the real programs that this machine lacks. */
export function missingPrograms(): string[] {
  return NEEDED.filter((program) => !isInstalled(program)).map((program) => `${program} ${VERSIONS[program]}`);
}

/** Starts the service on real programs, or on npm packages alone. @throws with what the parts said */
export async function startParts(kind: Parts['kind'], signal: AbortSignal): Promise<Parts> {
  signal.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-bench-'));
  // Out of the terminal's process group: an interrupt ends the measuring first.
  const child = fork(PROGRAM, [kind, join(folder, 'stack')], { detached: true, execArgv: [] });
  const exited = once(child, 'exit');
  const hear = async (timeoutMs: number): Promise<PartsAnswer> => {
    const waiting = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const heard = once(child, 'message', { signal: waiting }) as Promise<[PartsAnswer]>;
    const ended = exited.then(([code]) => [{ failed: `The parts ended with ${code}.` }] as [PartsAnswer]);
    const [said] = await Promise.race([heard, ended]);
    if ('failed' in said) throw new Error(said.failed);
    return said;
  };
  const stop = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
    await rm(folder, { recursive: true, force: true });
  };
  let turn: Promise<unknown> = Promise.resolve();
  /** One order at a time: answers do not say which one they are for. */
  const order = (wanted: PartsOrder): Promise<void> => {
    const obeyed = turn.then(async () => {
      child.send(wanted);
      await hear(ORDER_TIMEOUT_MS);
    });
    turn = obeyed.catch(() => undefined);
    return obeyed;
  };
  try {
    const said = await hear(START_TIMEOUT_MS);
    if (!('ready' in said)) throw new Error('The parts said something else than where they are.');
    return {
      ...{ ...said.ready, kind, folder, named: nameParts(kind), stop },
      admit: (owner) => order({ admit: owner }),
      fund: (account) => order({ fund: account }),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function nameParts(kind: Parts['kind']): string {
  if (kind === 'embedded') return 'EMBEDDED parts: anvil, our S3 subset on files, dynalite, IPFS in a block folder';
  const { geth, versitygw, kubo, 'dynamodb-local': dynamo } = VERSIONS;
  return `four geth ${geth} nodes (slots of 1 s), versitygw ${versitygw}, DynamoDB Local ${dynamo}, two Kubo ${kubo} peers`;
}
