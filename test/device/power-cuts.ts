import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../../dev/simulate/time/seeded-random.ts';
import { bundleProgram } from '../../dev/tests/bundle-program.ts';
import type { DeviceEvent } from '../../device/events.ts';
import { openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import type { ChildTask } from './child.ts';
import { newWriter, restore, restoreStream, writerToJson } from './fixture.ts';
import { startRemote } from './remote.ts';

const SHIM = join(import.meta.dirname, '../../dev/power-cuts/lose-unsynced.c');
/** Sync points of a life: some fall into the opening of the outbox, most behind its first commits. */
const MOST_POINTS = 40;
/** Longer is no life on a busy machine, but one whose sync point never comes. */
const PATIENCE_MS = 120_000;
const LINES_PER_LIFE = 400;
const FEED_BYTES = 200;

/** How a device got through losing its power again and again. */
export interface PowerCuts {
  readonly cuts: number;
  /** Cuts at which something that was written did not reach the disk. */
  readonly lossy: number;
  readonly lostBytes: number;
  readonly lostNames: number;
  readonly acknowledgedBytes: number;
  /** What must never be, and was; null when all held. */
  readonly failure: string | null;
}

/**
 * A real device on a real outbox, whose disk loses what was not synchronised (dev/power-cuts), loses its power at a sync point,
 * again and again; each life begins with what had reached the disk. In the end all that was written is recorded, once.
 * @param change what of the device's program is read as something else: a mutant
 */
export async function cutPower(
  cuts: number,
  seed: number,
  change: { readonly from: string; readonly to: string } | null = null,
): Promise<PowerCuts> {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-power-'));
  const random = createRandom(seed);
  const writer = newWriter();
  const remote = await startRemote(writer);
  remote.relaying = false;
  try {
    const shim = join(folder, 'lose-unsynced.so');
    execFileSync('gcc', ['-O2', '-shared', '-fPIC', '-o', shim, SHIM, '-ldl', '-lpthread']);
    const program = change === null ? bundleProgram(join(import.meta.dirname, 'child.ts')) : mutate(folder, change);
    const [home, disk] = [join(folder, 'home'), join(folder, 'disk')];
    mkdirSync(home);
    const task: ChildTask = {
      ...{ writer: writerToJson(writer), remoteUrl: remote.url, outboxPath: join(home, 'o') },
      ...{ directory: null, direct: true, untilIdle: false },
    };
    const lines = Array.from(
      { length: cuts * LINES_PER_LIFE },
      (_, n) => `${n} ${'x'.repeat(random.between(0, 120))}\n`,
    );
    const stream = Buffer.from(lines.join(''));
    const sum = { cuts: 0, lossy: 0, lostBytes: 0, lostNames: 0, acknowledgedBytes: 0 };
    const failed = (what: string): PowerCuts => ({ ...sum, failure: `cut ${sum.cuts}: ${what}` });

    while (sum.cuts < cuts) {
      const kept = streamBytesOf(task.outboxPath);
      if (kept < sum.acknowledgedBytes)
        return failed(`${sum.acknowledgedBytes} bytes were acknowledged, ${kept} are left`);
      mkdirSync(disk);
      const life = start(program, task, {
        ...{ LD_PRELOAD: shim, LOSE_FOLDER: home, LOSE_DISK: disk, LOSE_SIDE: random.pick(['before', 'after']) },
        ...{ LOSE_AT: String(random.between(1, MOST_POINTS)), LOSE_SEED: String(random.between(1, 2 ** 31)) },
      });
      const ended = await feed(life, stream.subarray(kept));
      for (const event of life.events) if (event.event === 'captured') sum.acknowledgedBytes = event.streamBytes;
      if (ended !== 'SIGKILL') return failed(`the device ended by itself (${ended}): ${life.errors.join('')}`);
      const report = join(disk, 'report.json');
      if (!existsSync(report)) return failed(`no sync point within ${PATIENCE_MS / 1000} s: ${life.errors.join('')}`);
      const { lostBytes, lostNames } = JSON.parse(readFileSync(report, 'utf8')) as PowerCuts;
      sum.cuts++;
      sum.lossy += lostBytes + lostNames > 0 ? 1 : 0;
      sum.lostBytes += lostBytes;
      sum.lostNames += lostNames;
      rmSync(report);
      rmSync(home, { recursive: true });
      renameSync(disk, home);
    }
    const kept = streamBytesOf(task.outboxPath);
    if (kept < sum.acknowledgedBytes)
      return failed(`${sum.acknowledgedBytes} bytes were acknowledged, ${kept} are left`);
    const last = start(program, { ...task, untilIdle: true }, {});
    const end = Math.min(stream.length, kept + 10_000);
    last.child.stdin.end(stream.subarray(kept, end));
    const [code] = (await once(last.child, 'close')) as [number | null];
    if (code !== 0) return failed(`the last life ends with ${code}: ${last.errors.join('')}`);
    const restored = restoreStream(restore(remote, writer));
    if (!restored.equals(stream.subarray(0, end)))
      return failed(`${restored.length} bytes are recorded, not the ${end} written`);
    return { ...sum, failure: null };
  } finally {
    await remote.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Life {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly events: DeviceEvent[];
  readonly errors: string[];
}

function start(program: string, task: ChildTask, more: Record<string, string>): Life {
  const child = spawn(process.execPath, [program], {
    stdio: 'pipe',
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: `${dirname(program)}/compiled`,
      PLUMB_TEST_CHILD: JSON.stringify(task),
      ...more,
    },
  });
  child.stdin.on('error', () => {});
  const [events, errors]: [DeviceEvent[], string[]] = [[], []];
  createInterface({ input: child.stdout }).on('line', (line) => void events.push(JSON.parse(line) as DeviceEvent));
  child.stderr.setEncoding('utf8').on('data', (text: string) => void errors.push(text));
  return { child, events, errors };
}

/** Writes until the device is dead. Answers by what it died. */
async function feed({ child }: Life, rest: Buffer): Promise<string> {
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  let isOver = false;
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const ended = closed.then(([code, signal]) => {
    isOver = true;
    clearTimeout(timer);
    return signal ?? `exit code ${code}`;
  });
  for (let at = 0; at < rest.length && !isOver; at += FEED_BYTES) {
    child.stdin.write(rest.subarray(at, at + FEED_BYTES));
    await delay(3);
  }
  return ended;
}

/** What is kept of the stream; none where the power went before there was an outbox. */
function streamBytesOf(outboxPath: string): number {
  if (!existsSync(outboxPath)) return 0;
  try {
    const outbox = openOutboxReadOnly(outboxPath);
    const { captured } = readStatus(outbox, Date.now());
    outbox.close();
    return captured.streamBytes;
  } catch (error) {
    if ((error as Error).name === 'OutboxMismatchError') return 0;
    throw error;
  }
}

/** The program of the child, changed in one place. */
function mutate(folder: string, { from, to }: { readonly from: string; readonly to: string }): string {
  const made = bundleProgram(join(import.meta.dirname, 'child.ts'));
  const changed = join(folder, 'program');
  cpSync(dirname(made), changed, { recursive: true });
  for (const name of readdirSync(changed).filter((file) => file.endsWith('.mjs'))) {
    const path = join(changed, name);
    const source = readFileSync(path, 'utf8');
    if (source.includes(from)) writeFileSync(path, source.replaceAll(from, to));
  }
  return join(changed, basename(made));
}
