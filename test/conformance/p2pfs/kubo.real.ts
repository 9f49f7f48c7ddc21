import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { p2pfsConformance } from './suite.ts';

/*
 * The suite on Kubo 0.42.0. Needs Go, which builds it once into the user's cache:
 *
 *   node --test test/conformance/p2pfs/kubo.real.ts
 *
 * It listens on loopback only and has no peers, so that what it does not have it searches in vain.
 */

const VERSION = '0.42.0';
const START_TIMEOUT_MS = 60_000;

let repository = '';
let daemon: ChildProcess | null = null;
let apiUrl = '';

before(
  async () => {
    const ipfs = buildKubo();
    repository = await mkdtemp(join(tmpdir(), 'plumbline-kubo-'));
    const env = { ...process.env, IPFS_PATH: repository, IPFS_TELEMETRY: 'off' };
    const run = (...parameters: string[]): void => {
      const { status, stderr } = spawnSync(ipfs, parameters, { env, timeout: 60_000 });
      if (status !== 0) throw new Error(`ipfs ${parameters.join(' ')}: ${stderr}`);
    };
    run('init', '--profile', 'test');
    run('config', 'Addresses.API', '/ip4/127.0.0.1/tcp/0');
    run('config', '--json', 'Addresses.Swarm', '["/ip4/127.0.0.1/tcp/0"]');
    daemon = spawn(ipfs, ['daemon'], { env, stdio: 'ignore' });
    apiUrl = await untilUp(join(repository, 'api'));
  },
  { timeout: 15 * 60_000 },
);

after(async () => {
  if (daemon !== null) {
    const ended = once(daemon, 'exit');
    daemon.kill('SIGKILL');
    await ended;
  }
  await rm(repository, { recursive: true, force: true });
});

p2pfsConformance(`Kubo ${VERSION}`, () => apiUrl);

/** Kubo writes the address it listens at into a file when it is ready. */
async function untilUp(path: string): Promise<string> {
  const until = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const text = await readFile(path, 'utf8').catch(() => '');
    const port = /\/tcp\/([0-9]+)/.exec(text)?.[1];
    if (port !== undefined) return `http://127.0.0.1:${port}`;
    if (performance.now() > until || daemon?.exitCode !== null) throw new Error('Kubo does not start.');
    await sleep(100);
  }
}

function buildKubo(): string {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const folder = join(cache, 'plumbline', `kubo-${VERSION}`);
  const binary = join(folder, 'ipfs');
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  // `go install` at a version is refused; a module that requires it builds it.
  const steps = [
    ...(existsSync(join(folder, 'go.mod')) ? [] : [['mod', 'init', 'plumbline/kubo']]),
    ['get', `github.com/ipfs/kubo/cmd/ipfs@v${VERSION}`],
    ['build', '-o', binary, 'github.com/ipfs/kubo/cmd/ipfs'],
  ];
  for (const step of steps) {
    const { status } = spawnSync('go', step, { cwd: folder, stdio: 'inherit', timeout: 15 * 60_000 });
    if (status !== 0) throw new Error(`go ${step[0]} failed.`);
  }
  return binary;
}
