import { join } from 'node:path';
import { counted } from '../../../core/counted.ts';
import { FILES, LINES_FILE, layOutFiles, readMeasurement } from '../measurements.ts';
import { payersOf } from '../payers.ts';
import { runPlumb } from '../plumb-process.ts';
import type { StepLog } from '../step-log.ts';
import type { DemoDataset } from './owner-setup.ts';

type Datasets = Readonly<Record<'files' | 'lines' | 'load', DemoDataset>>;

const UNTIL_DONE = [
  '--until-idle',
  '--timeout',
  '60s',
  '--every',
  '500ms',
  '--batch-age',
  '500ms',
  '--record-every',
  '500ms',
  '--poll',
  '250ms',
];
/** Samples of this machine's load. */
const SAMPLES = 5;

/** Three real device processes, side by side: a folder, a stream and a command; one is relayed, two record themselves. */
export async function recordMeasurements(
  log: StepLog,
  datasets: Datasets,
  folder: string,
  stackFile: string,
): Promise<{ sizes: Readonly<Record<keyof Datasets, number>>; fromMs: number; toMs: number }> {
  log.act(
    'Three devices capture, seal and upload; the chain records everything and makes it final, and the storage proves that it holds it',
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
  const command = `${process.execPath} -e "console.log(new Date().toISOString(), ...require('node:os').loadavg())"`;
  const load = ingest(datasets.load, ['--source', `cmd:${command}`, '--times', String(SAMPLES), '--record', 'direct']);
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
    `${counted(lines, 'block')} recorded, final, checked`,
    async () => {
      sizes.lines = (await stream).blocks;
      return sayIngested(await stream);
    },
  );
  await log.step(
    "this machine's own load, live, recorded by the device itself",
    `${SAMPLES} blocks recorded, final, checked`,
    async () => {
      sizes.load = (await load).blocks;
      return sayIngested(await load);
    },
  );
  await log.step(
    'whose transactions recorded them, according to the chain',
    'files: the service, lines: the device, load: the device',
    async () => {
      const said = Object.entries(datasets).map(
        async ([name, dataset]) => `${name}: ${await payersOf(stackFile, dataset)}`,
      );
      return (await Promise.all(said)).join(', ');
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
  return `${counted(blocks, 'block')} recorded, final, ${complete ? 'checked' : 'not all checked'}`;
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

function ingestedFrom(lines: readonly DeviceLine[]): Ingested {
  const checked = sum(lines, 'checked');
  return { blocks: checked, complete: lines.some(({ event }) => event === 'stopped') };
}

function sum(lines: readonly DeviceLine[], event: string): number {
  return lines.filter((line) => line.event === event).reduce((total, line) => total + (line.blocks ?? 0), 0);
}
