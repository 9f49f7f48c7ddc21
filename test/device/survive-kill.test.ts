import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { after, describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { parseSegmentKey } from '../../core/batch/segment-key.ts';
import { fallingClock } from '../../core/block/falling-clock.ts';
import { decodeMeta } from '../../core/block/meta.ts';
import { bundleProgram } from '../../dev/tests/bundle-program.ts';
import type { DeviceEvent } from '../../device/events.ts';
import { openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import type { ChildTask } from './child.ts';
import { newWriter, restore, restoreFiles, restoreStream, temporaryFolder, writerToJson } from './fixture.ts';
import { type Remote, startRemote } from './remote.ts';

const KILLS = 100;
const SEED = 0x5eed;
/**
 * A device is killed a little after one of these happened first in its life. When it does not come: after PATIENCE_MS, or as
 * many times as long as its start took, where the machine is busy.
 */
const INSTANTS = ['started', 'captured', 'sealed', 'stored', 'recorded', 'final', 'checked'] as const;
const AFTER_MS = 40;
const PATIENCE_MS = 500;
const PATIENCE_STARTS = 3;

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** A repeatable schedule (mulberry32). */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

// Starting is most of a device's short life here: it is few files, and compiled once.
const CACHE = mkdtempSync(join(tmpdir(), 'plumbline-child-'));
const CHILD = bundleProgram(join(import.meta.dirname, 'child.ts'));
spawnSync(process.execPath, [CHILD], { env: { ...process.env, NODE_COMPILE_CACHE: CACHE }, stdio: 'ignore' });
after(() => rmSync(CACHE, { recursive: true, force: true }));

function startChild(
  context: TestContext,
  task: ChildTask,
): { child: Child; events: DeviceEvent[]; began: Promise<void>; first: (kind: string) => Promise<void> } {
  const child = spawn(process.execPath, [CHILD], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PLUMB_TEST_CHILD: JSON.stringify(task), NODE_COMPILE_CACHE: CACHE },
  });
  context.after(() => void child.kill('SIGKILL'));
  child.stdin.on('error', () => {});
  const events: DeviceEvent[] = [];
  const firsts = new Map<string, PromiseWithResolvers<void>>();
  const awaited = (kind: string): PromiseWithResolvers<void> => {
    const known = firsts.get(kind) ?? Promise.withResolvers<void>();
    firsts.set(kind, known);
    return known;
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as DeviceEvent;
    events.push(event);
    awaited(event.event).resolve();
  });
  child.once('exit', () => awaited('started').reject(new Error('the device ended before it began')));
  const began = awaited('started').promise;
  began.catch(() => {});
  return { child, events, began, first: (kind) => awaited(kind).promise };
}

/** Starts the device again and again, and ends each by SIGKILL at an instant of the schedule. */
async function killOften(
  context: TestContext,
  remote: Remote,
  task: ChildTask,
  feed: (child: Child, run: number, random: (below: number) => number) => Promise<void>,
): Promise<{ acknowledgedBlocks: number }> {
  const random = seeded(SEED);
  let acknowledgedBlocks = 0;
  const lived = new Map<string, number>();
  for (let run = 0; run < KILLS; run++) {
    // The world fails too, now and then.
    remote.serviceDown = random(8) === 0;
    remote.chainDown = random(8) === 0;
    remote.storeDown = random(8) === 0;
    remote.finalLag = random(3);
    const instant = INSTANTS[random(INSTANTS.length)] as string;
    const spawnedMs = performance.now();
    const { child, events, began, first } = startChild(context, task);
    const closed = once(child, 'close');
    await began;
    const patienceMs = Math.max(PATIENCE_MS, PATIENCE_STARTS * (performance.now() - spawnedMs));
    const feeding = feed(child, run, random);
    await Promise.race([first(instant), delay(patienceMs)]);
    await delay(random(AFTER_MS));
    child.kill('SIGKILL');
    await closed;
    await feeding;
    for (const event of events) if (event.event === 'captured') acknowledgedBlocks = event.totalBlocks;
    for (const kind of new Set(events.map((event) => event.event))) lived.set(kind, (lived.get(kind) ?? 0) + 1);
  }
  remote.serviceDown = false;
  remote.chainDown = false;
  remote.storeDown = false;
  remote.finalLag = 0;
  // The kills came where they hurt: in lives that had captured, sealed and stored something.
  for (const kind of ['captured', 'sealed', 'stored']) {
    assert.ok((lived.get(kind) ?? 0) >= KILLS / 10, `only ${lived.get(kind) ?? 0} of ${KILLS} lives had ${kind}`);
  }
  return { acknowledgedBlocks };
}

async function finish(context: TestContext, task: ChildTask, input: Buffer | null): Promise<void> {
  const { child } = startChild(context, { ...task, untilIdle: true });
  child.stdin.end(input ?? undefined);
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  assert.equal(code, 0, 'the last run ends with everything final and checked');
}

/** No two segments of one place in the log were ever sent: what was sealed before a crash is what is sealed after it. */
function assertSealedOnce(remote: Remote): void {
  const firsts = remote.puts.map((key) => parseSegmentKey(key)?.first);
  assert.equal(new Set(firsts).size, firsts.length);
  assert.equal(remote.objects.size, remote.log.length);
  assert.equal(remote.chain.at(-1)?.size, remote.log.at(-1)?.end.size);
  const metas = remote.blocks().map(({ meta }) => decodeMeta(meta));
  assert.equal(fallingClock(null, metas), -1, 'no time falls');
}

async function setUp(context: TestContext, direct: boolean) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  remote.relaying = !direct;
  context.after(() => remote.close());
  const task = { writer: writerToJson(writer), remoteUrl: remote.url, outboxPath: join(folder, 'o'), direct };
  return { folder, writer, remote, task };
}

// At the same time: a device is idle for most of its short life.
describe('SIGKILL at random instants', { concurrency: 2 }, () => {
  test(`${KILLS} kills of a device that watches a directory: no file lost, none twice`, async (context) => {
    const { folder, writer, remote, task } = await setUp(context, false);
    const directory = join(folder, 'readings');
    mkdirSync(directory);
    const written = new Map<string, string>();
    const childTask = { ...task, directory, untilIdle: false };
    const { acknowledgedBlocks } = await killOften(context, remote, childTask, async (_child, run, random) => {
      for (let file = 0; file < 2; file++) {
        const name = `reading ${run}-${file}.txt`;
        const content = `${run} ${file} `.repeat(1 + random(400));
        written.set(name, content);
        if (random(2) === 0) {
          writeFileSync(join(folder, 'elsewhere'), content);
          renameSync(join(folder, 'elsewhere'), join(directory, name));
        } else {
          writeFileSync(join(directory, name), content);
        }
        await delay(random(60));
      }
    });
    await finish(context, childTask, null);
    const blocks = restore(remote, writer);
    const restored = [...restoreFiles(blocks)].map(([name, versions]) => [name, versions.map(String)] as const);
    assert.deepEqual(
      restored.sort(([a], [b]) => (a < b ? -1 : 1)),
      [...written].map(([name, content]) => [name, [content]] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    assert.ok(
      acknowledgedBlocks <= blocks.length && acknowledgedBlocks > 0,
      `${acknowledgedBlocks} blocks acknowledged, ${blocks.length} recorded`,
    );
    assertSealedOnce(remote);
  });

  test(`${KILLS} kills of a device that reads a stream and records by itself: no line lost, none twice`, async (context) => {
    const { writer, remote, task } = await setUp(context, true);
    const childTask = { ...task, directory: null, untilIdle: false };
    const random = seeded(SEED + 1);
    const lines: string[] = [];
    for (let i = 0; i < 40 * KILLS; i++)
      lines.push(`${i} ${'reading '.repeat(random(30))}${random(40) === 0 ? 'x'.repeat(1500) : ''}\n`);
    const stream = Buffer.from(lines.join(''));
    const status = () => {
      const outbox = openOutboxReadOnly(task.outboxPath);
      const read = readStatus(outbox, Date.now());
      outbox.close();
      return read;
    };
    await killOften(context, remote, childTask, async (child, run) => {
      // The writer goes on behind what was kept.
      const from = status().captured.streamBytes;
      const until = Math.floor((stream.length * (run + 1)) / KILLS);
      for (let at = from; at < until && child.exitCode === null && child.signalCode === null; at += 500) {
        child.stdin.write(stream.subarray(at, Math.min(until, at + 500)));
        await delay(3);
      }
    });
    await finish(context, childTask, stream.subarray(status().captured.streamBytes));
    assert.ok(restoreStream(restore(remote, writer)).equals(stream));
    assertSealedOnce(remote);
  });
});
