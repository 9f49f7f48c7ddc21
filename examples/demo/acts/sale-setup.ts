import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { plumb, startPlumb } from '../plumb-process.ts';
import { quickenKeystore } from '../quicken-keystore.ts';
import type { DemoOwner } from './owner-setup.ts';

/** A consumer's folder, and what every command of theirs is given. */
export interface DemoConsumer {
  readonly home: string;
  readonly account: string;
  readonly env: Readonly<Record<string, string>>;
  readonly args: readonly string[];
}

/** Where an agent's file is, and its account. */
export interface AgentFile {
  readonly file: string;
  readonly agent: string;
}

/** A running `plumb owner serve`. */
export interface SaleServer {
  readonly agent: string;
  /** What it has said, by kind. */
  count(event: string): number;
  stop(): Promise<void>;
}

const STOP_MS = 10_000;

/** Makes a consumer with test ether. */
export async function setUpConsumer(folder: string, owner: DemoOwner): Promise<DemoConsumer> {
  const home = join(folder, 'consumer');
  const env = { PLUMB_HOME: home, PLUMB_STACK: owner.stackFile };
  const args = ['--password-file', owner.passwordFile];
  const mnemonic = join(folder, 'consumer-mnemonic');
  const { account } = await plumb<{ account: string }>(['consumer', 'init', ...args, '--mnemonic-out', mnemonic], {
    env,
  });
  await Promise.all([
    plumb(['local', 'admit', account, '--fund-only'], { env }),
    quickenKeystore(home, owner.password),
  ]);
  return { home, account, env, args };
}

/** Writes the agent's file and gives the agent what it needs for gas. */
export async function setUpAgent(owner: DemoOwner): Promise<AgentFile> {
  const file = join(owner.home, 'agent.json');
  const args = ['owner', 'agent', ...owner.args, '--out', file, '--replace'];
  const { agent } = await plumb<{ agent: string }>(args, { env: owner.env });
  await plumb(['local', 'admit', agent, '--fund-only'], { env: owner.env });
  return { file, agent };
}

/** Starts `plumb owner serve` with an agent's file, in a process of its own. */
export async function startSaleServer({ file, agent }: AgentFile): Promise<SaleServer> {
  const child = startPlumb(['owner', 'serve', '--agent', file, '--poll', '200ms'], {});
  const ended = once(child, 'close');
  child.stdin?.end();
  child.stderr?.resume();
  const counts = new Map<string, number>();
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const ready = new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      const { event } = JSON.parse(line) as { event?: string };
      if (event !== undefined) counts.set(event, (counts.get(event) ?? 0) + 1);
      if (event === 'ready') resolve();
    });
    ended.then(() => reject(new Error('plumb owner serve has ended.')), reject);
  });
  await ready;
  return {
    agent,
    count: (event) => counts.get(event) ?? 0,
    async stop() {
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}
