/**
 * What a device costs its machine: memory, and bytes written to disk for each byte captured, at 1,000 blocks of 1 KiB a
 * second; and the requests its batches make to the object store.
 *
 *     node dev/bench/device.ts [--seconds 30] [--json]
 *
 * A real device process against the local stack. Goals of specification#figures: at most 256 MB, at most 3 bytes a byte.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setUpOwner } from '../../examples/demo/acts/owner-setup.ts';
import { startPlumb } from '../../examples/demo/plumb-process.ts';
import { startStackProcess } from '../../examples/demo/stack-process.ts';
import { StepLog } from '../../examples/demo/step-log.ts';

const BLOCK_BYTES = 1024;
const BLOCKS_PER_SECOND = 1000;
const TICK_MS = 50;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' }, json: { type: 'boolean' } } });
const seconds = Number(values.seconds);
if (!(seconds >= 1 && seconds <= 3600)) throw new Error(`--seconds is ${values.seconds}; 1 to 3600 are allowed.`);

// From here on there are processes to end.
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort()).once('SIGTERM', () => interrupt.abort());
const folder = await mkdtemp(join(tmpdir(), 'plumbline-bench-'));
const stack = await startStackProcess(join(folder, 'stack'), 500);
try {
  const { datasets } = await setUpOwner(new StepLog(true), folder, stack.stackFile);
  const args = [
    'device',
    'run',
    '--provision',
    datasets.files.provision,
    '--source',
    'stdin',
    '--until-idle',
    '--every',
    '10s',
  ];
  interrupt.signal.throwIfAborted();
  const device = startPlumb(args, {});
  const seen = { writtenBytes: 0, peakBytes: 0, batches: 0 };
  const ended = once(device, 'exit');
  const lines = (async () => {
    for await (const line of createInterface({ input: device.stdout as NodeJS.ReadableStream })) {
      if (JSON.parse(line).event === 'checked') seen.batches += 1;
    }
  })();
  device.stderr?.resume();
  interrupt.signal.addEventListener('abort', () => device.kill('SIGINT'));
  const watching = watch(device.pid as number, seen, ended);
  const capturedBytes = await feed(device.stdin as NodeJS.WritableStream, seconds);
  const [code] = (await ended) as [number | null];
  await Promise.all([lines, watching]);
  if (code !== 0) throw new Error(`The device ended with ${code}.`);
  const figure = {
    ...{
      seconds,
      capturedBytes,
      batches: seen.batches,
      peakMemoryBytes: seen.peakBytes,
      writtenBytes: seen.writtenBytes,
    },
    writtenPerCaptured: Number((seen.writtenBytes / capturedBytes).toFixed(2)),
  };
  if (values.json === true) console.log(JSON.stringify(figure));
  else {
    console.log(
      `${BLOCKS_PER_SECOND} blocks of ${BLOCK_BYTES} bytes a second for ${seconds} s, ${seen.batches} batches`,
    );
    console.log(`  memory at its peak           ${(seen.peakBytes / 1e6).toFixed(0)} MB   goal <= 256`);
    console.log(`  written for a captured byte  ${figure.writtenPerCaptured}   goal <= 3`);
  }
} finally {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Lines of random letters, as many as are due every 50 ms. */
async function feed(input: NodeJS.WritableStream, forSeconds: number): Promise<number> {
  const begin = performance.now();
  let blocks = 0;
  while (blocks < forSeconds * BLOCKS_PER_SECOND && !interrupt.signal.aborted) {
    const due = Math.min(
      forSeconds * BLOCKS_PER_SECOND,
      Math.floor(((performance.now() - begin) / 1000) * BLOCKS_PER_SECOND),
    );
    for (; blocks < due; blocks++) {
      const line = `${randomBytes(BLOCK_BYTES)
        .toString('base64')
        .slice(0, BLOCK_BYTES - 1)}\n`;
      if (!input.write(line)) await once(input as unknown as NodeJS.EventEmitter, 'drain');
    }
    await sleep(TICK_MS);
  }
  input.end();
  return blocks * BLOCK_BYTES;
}

/** What the kernel counts for the process, until it ends. */
async function watch(
  pid: number,
  seen: { writtenBytes: number; peakBytes: number },
  ended: Promise<unknown>,
): Promise<void> {
  let running = true;
  ended.finally(() => {
    running = false;
  });
  while (running) {
    try {
      const [io, status] = await Promise.all([
        readFile(`/proc/${pid}/io`, 'utf8'),
        readFile(`/proc/${pid}/status`, 'utf8'),
      ]);
      seen.writtenBytes = Number(/^write_bytes: (\d+)/m.exec(io)?.[1]);
      seen.peakBytes = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
    } catch {
      return;
    }
    await sleep(100);
  }
}
