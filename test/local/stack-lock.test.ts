import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { acquireStackLock, StackBusyError } from '../../local/stack/stack-lock.ts';

async function tempFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-lock-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Another process that holds the folder until it is killed. */
async function holdElsewhere(folder: string): Promise<{ pid: number; kill(): Promise<void> }> {
  const module = fileURLToPath(new URL('../../local/stack/stack-lock.ts', import.meta.url));
  const script = `import { acquireStackLock } from ${JSON.stringify(module)};
    await acquireStackLock(${JSON.stringify(folder)});
    console.log('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return {
    pid: child.pid as number,
    async kill() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

describe('the lock of a stack folder', () => {
  it('is held once, and free again when released', async (t) => {
    const folder = await tempFolder(t);
    const lock = await acquireStackLock(folder);
    assert.equal(lock.takenOverFrom, null);
    await assert.rejects(acquireStackLock(folder), StackBusyError);
    await lock.release();
    await lock.release();
    const second = await acquireStackLock(folder);
    assert.equal(second.takenOverFrom, null, 'it was released, not left behind');
    await second.release();
  });

  it('names the process that holds it, and the folder', async (t) => {
    const folder = await tempFolder(t);
    const holder = await holdElsewhere(folder);
    try {
      await assert.rejects(acquireStackLock(folder), (error: unknown) => {
        assert.ok(error instanceof StackBusyError);
        assert.deepEqual(error.details, { folder, pid: holder.pid });
        assert.ok(error.shortMessage.includes(String(holder.pid)) && error.shortMessage.includes(folder));
        return true;
      });
    } finally {
      await holder.kill();
    }
  });

  it('is taken over from a process that was killed, and says from which', async (t) => {
    const folder = await tempFolder(t);
    const holder = await holdElsewhere(folder);
    await holder.kill();
    const lock = await acquireStackLock(folder);
    assert.equal(lock.takenOverFrom?.pid, holder.pid);
    await lock.release();
  });

  it('goes to one of many that race for it', async (t) => {
    const folder = await tempFolder(t);
    const outcomes = await Promise.allSettled(Array.from({ length: 16 }, () => acquireStackLock(folder)));
    const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    assert.equal(won.length, 1);
    await won[0]?.value.release();
  });

  it('is readable by nobody else', async (t) => {
    const folder = await tempFolder(t);
    const lock = await acquireStackLock(folder);
    for (const file of ['stack.lock', 'stack.pid']) {
      assert.equal((await stat(join(folder, file))).mode & 0o777, 0o600);
    }
    await lock.release();
  });
});
