import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { FILES, LINES_FILE, layOutFiles, readMeasurement } from '../measurements.ts';
import { runPlumb, startPlumb } from '../plumb-process.ts';
import type { StepLog } from '../step-log.ts';
import type { DemoDataset } from './owner-setup.ts';

type Datasets = Readonly<Record<'files' | 'lines' | 'load', DemoDataset>>;

const UNTIL_DONE = ['--until-idle', '--timeout', '60s', '--every', '500ms', '--poll', '250ms'];
/** Samples of this machine's load before that device is stopped. */
const SAMPLES = 4;

/** Three real device processes, side by side: a folder, a stream and a command; one is relayed, two record themselves. */
export async function recordMeasurements(
  log: StepLog,
  datasets: Datasets,
  folder: string,
): Promise<{ sizes: Readonly<Record<keyof Datasets, number>>; fromMs: number; toMs: number }> {
  log.act(
    'Three devices capture, seal, upload; everything is recorded on the chain, made final, and proven to be stored',
  );
  const fromMs = Date.now();
  const readings = join(folder, 'readings');
  await layOutFiles(readings);
  const text = (await readMeasurement(LINES_FILE)).toString();
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  const sizes = { files: 0, lines: 0, load: 0 };

  // Started together, told of one after the other.
  const files = ingest(datasets.files, ['--source', `dir:${readings}`, '--settle', '200ms', '--record', 'relayed']);
  const stream = ingest(datasets.lines, ['--source', 'stdin', '--record', 'direct'], text);
  const load = ingestLoad(datasets.load);
  for (const ingesting of [files, stream, load]) ingesting.catch(() => {});

  // Earthquakes are 1.2 MB: two parts.
  await log.step(
    `${FILES.join(', ')} from a folder, recorded by the service`,
    '4 blocks recorded, final, checked',
    async () => {
      sizes.files = (await files).blocks;
      return sayIngested(await files);
    },
  );
  await log.step(
    `${LINES_FILE} line by line, recorded by the device itself`,
    `${lines} blocks recorded, final, checked`,
    async () => {
      sizes.lines = (await stream).blocks;
      return sayIngested(await stream);
    },
  );
  await log.step(
    "this machine's own load, live, recorded by the device itself",
    `${SAMPLES} or more samples recorded, final, checked`,
    async () => {
      sizes.load = (await load).blocks;
      return sizes.load >= SAMPLES && (await load).complete
        ? `${SAMPLES} or more samples recorded, final, checked`
        : sayIngested(await load);
    },
  );
  return { sizes, fromMs, toMs: Date.now() };
}

interface Ingested {
  readonly blocks: number;
  /** Whether everything captured is final and was proven to be stored. */
  readonly complete: boolean;
}

interface DeviceLine {
  readonly event: string;
  readonly blocks?: number;
}

function sayIngested({ blocks, complete }: Ingested): string {
  return `${blocks} blocks recorded, final, ${complete ? 'checked' : 'not all checked'}`;
}

async function ingest(dataset: DemoDataset, flags: readonly string[], input?: string): Promise<Ingested> {
  const args = ['device', 'run', '--provision', dataset.provision, ...UNTIL_DONE, ...flags];
  const { exitCode, lines, stderr } = await runPlumb(args, {
    timeoutMs: 90_000,
    ...(input === undefined ? {} : { input }),
  });
  if (exitCode !== 0) throw new Error(`The device ended with ${exitCode}: ${JSON.stringify(lines.at(-1))} ${stderr}`);
  return ingestedFrom(lines as unknown as DeviceLine[]);
}

/** A command's device never ends by itself: it is stopped when enough samples are final and checked. */
async function ingestLoad(dataset: DemoDataset): Promise<Ingested> {
  const command = `${process.execPath} -e "console.log(new Date().toISOString(), ...require('node:os').loadavg())"`;
  const flags = [
    '--source',
    `cmd:${command}`,
    '--every',
    '500ms',
    '--batch-age',
    '1s',
    '--poll',
    '250ms',
    '--record',
    'direct',
  ];
  const device = startPlumb(['device', 'run', '--provision', dataset.provision, ...flags], {});
  const seen: DeviceLine[] = [];
  const closed = once(device, 'close');
  const timer = setTimeout(() => device.kill('SIGKILL'), 60_000);
  device.stderr?.resume();
  for await (const line of createInterface({ input: device.stdout as NodeJS.ReadableStream })) {
    seen.push(JSON.parse(line));
    if (sum(seen, 'checked') >= SAMPLES) device.kill('SIGINT');
  }
  await closed;
  clearTimeout(timer);
  // What is still in its outbox is recorded and proven now.
  return ingest(dataset, ['--source', 'stdin', '--record', 'direct'], '').then((rest) => ({
    blocks: sum(seen, 'checked') + rest.blocks,
    complete: rest.complete,
  }));
}

function ingestedFrom(lines: readonly DeviceLine[]): Ingested {
  const checked = sum(lines, 'checked');
  return { blocks: checked, complete: lines.some(({ event }) => event === 'stopped') };
}

function sum(lines: readonly DeviceLine[], event: string): number {
  return lines.filter((line) => line.event === event).reduce((total, line) => total + (line.blocks ?? 0), 0);
}
