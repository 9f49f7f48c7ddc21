import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quickenKeystore } from '../cli/quicken-keystore.ts';
import { runPlumb, startStackUnderTest } from '../cli/run-plumb.ts';

export const PASSWORD = 'correct horse battery';
export const LINES = ['first', 'second', '{"celsius": 21.5}', 'last'];

/** What a program of an owner, a consumer and an auditor finds: a stack with one recorded dataset, `weather`, and homes. */
export async function startLibraryStack() {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-library-'));
  const stack = await startStackUnderTest(join(folder, 'stack'));
  const path = (name: string): string => join(folder, name);
  const close = async (): Promise<void> => {
    await stack.end('SIGINT');
    await rm(folder, { recursive: true, force: true });
  };
  const plumb = async (home: string, args: readonly string[], input = '') => {
    const env = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: path(home) };
    const ended = await runPlumb([...args, '--json'], env, input);
    assert.equal(ended.exitCode, 0, `plumb ${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
    return JSON.parse(ended.stdout.trim().split('\n').at(-1) as string);
  };
  try {
    await writeFile(path('password'), PASSWORD, { mode: 0o600 });
    const password = ['--password-file', path('password')];
    const init = async (party: 'owner' | 'consumer'): Promise<string> => {
      const { account } = await plumb(party, [party, 'init', ...password, '--mnemonic-out', path(`${party}.mnemonic`)]);
      await quickenKeystore(path(party), PASSWORD);
      return account;
    };
    await plumb('owner', ['local', 'admit', await init('owner')]);
    await plumb('owner', ['local', 'admit', await init('consumer'), '--fund-only']);
    await plumb('owner', ['dataset', 'create', 'weather', ...password]);
    await plumb('owner', ['device', 'provision', 'weather', ...password, '--out', path('device.json')]);
    const run = ['device', 'run', '--provision', path('device.json'), '--source', 'stdin', '--every', '200ms'];
    await plumb('owner', [...run, '--poll', '100ms', '--until-idle', '--timeout', '60s'], LINES.join('\n'));
    await plumb('owner', ['owner', 'auditor', 'weather', ...password, '--out', path('weather.auditor.json')]);
    const { operator } = JSON.parse(await readFile(stack.stackFile, 'utf8'));
    return {
      ...{ folder, stack: stack.stackFile, operator: operator as string, path, close },
      home: path('owner'),
      consumerHome: path('consumer'),
      auditorFile: path('weather.auditor.json'),
      readMnemonic: async (party: 'owner' | 'consumer') => (await readFile(path(`${party}.mnemonic`), 'utf8')).trim(),
      /** Another dataset; returns the path of its device's file. */
      async provision(name: string): Promise<string> {
        await plumb('owner', ['dataset', 'create', name, ...password]);
        await plumb('owner', ['device', 'provision', name, ...password, '--out', path(`${name}.json`)]);
        return path(`${name}.json`);
      },
      /** Gas for whoever serves the owner's sales. */
      fund: (account: string): Promise<unknown> => plumb('owner', ['local', 'admit', account, '--fund-only']),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

export type LibraryStack = Awaited<ReturnType<typeof startLibraryStack>>;
