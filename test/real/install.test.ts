import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { VERSIONS } from '../../dev/real/programs/versions.ts';

const SCRIPTS = join(import.meta.dirname, '..', '..', 'dev', 'real', 'programs');
const GETH = `geth-${VERSIONS.geth}`;

describe('installing real programs', () => {
  let folder = '';
  let cache = '';
  let bin = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-install-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    const own = await mkdtemp(join(folder, 'case-'));
    cache = join(own, 'cache');
    bin = join(own, 'bin');
    await mkdir(bin);
  });

  /** A Go of which the test says what it does. */
  const giveGo = async (does: string): Promise<void> => {
    const path = join(bin, 'go');
    await writeFile(path, `#!/bin/sh\n[ "$1" = version ] && exit 0\necho "$*" >> ${join(bin, 'asked')}\n${does}\n`);
    await chmod(path, 0o755);
  };
  const run = (script: string, parameters: readonly string[], path = `${bin}:/usr/bin:/bin`) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const env = { PATH: path, HOME: folder, PLUMBLINE_CACHE: cache };
      execFile(process.execPath, [join(SCRIPTS, script), ...parameters], { env }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      });
    });
  const installed = () => readdir(cache).catch(() => []);

  it('a missing toolchain is a failure, said loudly with its remedy, and nothing is tested', async () => {
    for (const [script, parameters] of [
      ['install.ts', ['geth']],
      ['../../tests/test-real.ts', []],
    ] as const) {
      const { code, stderr } = await run(script, parameters, bin);
      assert.equal(code, 1);
      assert.match(stderr, /!!! go is missing or does not run\. Install Go/);
    }
    assert.deepEqual(await installed(), []);
  });

  it('a name that is none of them is refused', async () => {
    const { code, stderr } = await run('install.ts', ['parity']);
    assert.equal(code, 2);
    assert.match(stderr, /There is no parity\. There are geth, kubo/);
  });

  it('the pinned version is built once, and found from then on', async () => {
    await giveGo('echo built > "$GOBIN/geth"');
    assert.equal((await run('install.ts', ['geth'])).code, 0);
    assert.deepEqual(await installed(), [GETH]);
    assert.equal(await readFile(join(cache, GETH, 'geth'), 'utf8'), 'built\n');
    const again = await run('install.ts', ['geth']);
    assert.match(again.stdout, /geth .*: is there/);
    const asked = await readFile(join(bin, 'asked'), 'utf8');
    assert.equal(asked, `install github.com/ethereum/go-ethereum/cmd/geth@v${VERSIONS.geth}\n`);
  });

  it('two at the same time end with one whole program', async () => {
    await giveGo('sleep 0.3; echo built > "$GOBIN/geth"');
    const both = await Promise.all([run('install.ts', ['geth']), run('install.ts', ['geth'])]);
    assert.deepEqual(
      both.map(({ code }) => code),
      [0, 0],
    );
    assert.deepEqual(await installed(), [GETH]);
  });

  it('a build that fails is a failure with its last words, and leaves nothing behind', async () => {
    await giveGo('echo half > "$GOBIN/geth"; echo "no such module" >&2; exit 3');
    const { code, stderr } = await run('install.ts', ['geth']);
    assert.equal(code, 1);
    assert.match(stderr, /!!! .*ended with code 3:\nno such module/);
    assert.deepEqual(await installed(), []);
  });

  it('what a cut-off attempt left in its place is replaced', async () => {
    await mkdir(join(cache, GETH, 'half'), { recursive: true });
    await giveGo('echo built > "$GOBIN/geth"');
    assert.equal((await run('install.ts', ['geth'])).code, 0);
    assert.deepEqual(await readdir(join(cache, GETH)), ['geth']);
  });
});
