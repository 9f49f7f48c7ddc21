import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { create } from 'kubo-rpc-client';
import { createKuboP2pfs } from '../../../adapters/ipfs/kubo-p2pfs.ts';
import { StoreUnavailableError } from '../../../core/errors.ts';
import { p2pfsConformance } from './suite.ts';

/*
 * The suite on Kubo 0.42.0. Needs Go, which builds it once into the user's cache:
 *
 *   node --test test/conformance/p2pfs/kubo.real.ts
 *
 * Two nodes, on loopback only and without any peer but each other, so that what neither has is searched in vain.
 */

const VERSION = '0.42.0';
const START_TIMEOUT_MS = 60_000;

interface Daemon {
  readonly apiUrl: string;
  run(...parameters: string[]): string;
  stop(): Promise<void>;
}

const daemons: Daemon[] = [];
const apiUrlOf = (number: number): string => daemons[number]?.apiUrl ?? '';

before(
  async () => {
    const ipfs = buildKubo();
    daemons.push(await startDaemon(ipfs), await startDaemon(ipfs));
  },
  { timeout: 15 * 60_000 },
);

after(() => Promise.all(daemons.map((daemon) => daemon.stop())));

p2pfsConformance(`Kubo ${VERSION}`, () => apiUrlOf(0));

describe(`Kubo ${VERSION}, two peers`, { timeout: 60_000 }, () => {
  it('one retrieves what only the other has, a file cut small included, and nothing once they are apart', async () => {
    const [mine, other] = daemons as [Daemon, Daemon];
    const address = (JSON.parse(other.run('id', '--enc=json')) as { Addresses: string[] }).Addresses[0] as string;
    mine.run('swarm', 'connect', address);
    const content = new Uint8Array(randomBytes(300_000));
    const { cid } = await create({ url: other.apiUrl }).add(content, { chunker: 'size-10000', rawLeaves: true });
    const node = createKuboP2pfs({ apiUrl: mine.apiUrl, timeoutMs: 10_000 });
    const impatient = createKuboP2pfs({ apiUrl: mine.apiUrl, timeoutMs: 1_000 });
    try {
      assert.equal(await node.nameBlock(cid.toString()), null, 'it has it already');
      assert.deepEqual(await node.readFile(cid.toString(), content.length), content);
      const later = await create({ url: other.apiUrl }).add(new Uint8Array(randomBytes(5000)));
      mine.run('swarm', 'disconnect', address);
      await assert.rejects(impatient.readFile(later.cid.toString(), 5000), StoreUnavailableError);
    } finally {
      node.close();
      impatient.close();
    }
  });
});

async function startDaemon(ipfs: string): Promise<Daemon> {
  const repository = await mkdtemp(join(tmpdir(), 'plumbline-kubo-'));
  const env = { ...process.env, IPFS_PATH: repository, IPFS_TELEMETRY: 'off' };
  const run = (...parameters: string[]): string => {
    const { status, stdout, stderr } = spawnSync(ipfs, parameters, { env, timeout: 60_000, encoding: 'utf8' });
    if (status !== 0) throw new Error(`ipfs ${parameters.join(' ')}: ${stderr}`);
    return stdout;
  };
  run('init', '--profile', 'test');
  run('config', 'Addresses.API', '/ip4/127.0.0.1/tcp/0');
  run('config', '--json', 'Addresses.Swarm', '["/ip4/127.0.0.1/tcp/0"]');
  const child = spawn(ipfs, ['daemon'], { env, stdio: 'ignore' });
  return {
    apiUrl: await untilUp(child, join(repository, 'api')),
    run,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      await rm(repository, { recursive: true, force: true });
    },
  };
}

/** Kubo writes the address it listens at into a file when it is ready. */
async function untilUp(child: ChildProcess, path: string): Promise<string> {
  const until = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const text = await readFile(path, 'utf8').catch(() => '');
    const port = /\/tcp\/([0-9]+)/.exec(text)?.[1];
    if (port !== undefined) return `http://127.0.0.1:${port}`;
    if (performance.now() > until || child.exitCode !== null) throw new Error('Kubo does not start.');
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
