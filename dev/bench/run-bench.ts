/**
 * Everything that is measured: the paper's Figures 3 to 6, drawn, and specification#figures with its peers, in one run.
 *
 *     npm run bench -- [--quick] [--figures] [--embedded] [--check] [--fleet N] [--out FOLDER]
 *
 *   --quick     few repetitions, no demo, a small fleet: to see that it works
 *   --figures   the figures alone
 *   --embedded  on npm packages alone, also where the real programs are installed
 *   --check     ends with 1 when a goal was missed
 *   --fleet N   devices of the simulated fleet (1000): 10,000 take about 40 minutes of an idle processor
 *
 * CSV (every run) and SVG go to dev/bench/results/, and from there into README.md, unless other work was on the machine
 * meanwhile (report/tell-readme.ts). Ctrl-C ends every process that was started.
 */
import { mkdir } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { measureGoals } from './measure-goals.ts';
import { openOwner } from './parts/open-owner.ts';
import { missingPrograms, type Parts, startParts } from './parts/start-parts.ts';
import { describeMachine, nameMachine } from './report/describe-machine.ts';
import { isHeld, type Measured, printGoals, writeGoals } from './report/goal.ts';
import { summarise } from './report/summarise.ts';
import { tellReadme } from './report/tell-readme.ts';
import { RESULTS, runFigures } from './run-figures.ts';
import { uploadAgainstPut } from './upload/upload-against-put.ts';

const MIB = 2 ** 20;
const BLOCK_BYTES = 65_536;
const UPLOAD_GOAL = 1.05;
const QUICK_FLEET = 20;

interface Options {
  readonly quick: boolean;
  readonly figures: boolean;
  readonly embedded: boolean;
  readonly out: string;
  readonly fleet: string;
}

async function main(options: Options, signal: AbortSignal): Promise<Measured[]> {
  const { quick, out, figures } = options;
  await mkdir(out, { recursive: true });
  const missing = missingPrograms();
  const embedded = options.embedded || missing.length > 0;
  if (missing.length > 0) shoutMissing(missing);
  const machine = nameMachine(describeMachine());
  console.log(machine);
  const progress = (what: string): void => void process.stderr.write(`  … ${what}\n`);
  const rows = figures ? [] : await measureGoals({ quick, progress, out, fleet: readFleet(options) }, signal);
  progress('starting the service and its parts');
  const parts = await startParts(embedded ? 'embedded' : 'real', signal);
  let failed: string[] = [];
  const notes = [`on ${parts.named}`, machine, ...(quick ? ['quick: few repetitions'] : [])];
  try {
    if (!figures) {
      progress('uploads behind a link of 100 Mbit/s');
      rows.push(...(await measureUploads(parts, quick, signal)));
      await writeGoals(out, rows, notes);
    }
    failed = await runFigures(parts, { quick, out }, signal);
  } finally {
    await parts.stop();
  }
  if (failed.length > 0) process.exitCode = 1;
  for (const what of failed) console.log(`NOT MEASURED: ${what}`);
  if (figures) return rows;
  console.log(`\nspecification#figures\n${notes.join('\n')}\n`);
  printGoals(rows);
  const missed = rows.filter((row) => isHeld(row) === false);
  console.log(
    missed.length === 0 ? '\nEvery goal was reached.' : `\nMissed: ${missed.map(({ what }) => what).join('; ')}.`,
  );
  if (!quick && out === RESULTS) console.log(await tellReadme(out));
  return rows;
}

function readFleet({ quick, fleet }: Options): number {
  const devices = Number(fleet);
  if (!/^\d{1,6}$/.test(fleet) || devices < 1 || devices > 100_000) {
    throw new Error(`--fleet is ${fleet}; give a whole number from 1 to 100000.`);
  }
  return quick ? Math.min(devices, QUICK_FLEET) : devices;
}

/** A burst with batches as large as by default, one with batches that begin to travel earlier, and a longer stream. */
async function measureUploads(parts: Parts, quick: boolean, signal: AbortSignal): Promise<Measured[]> {
  const owner = await openOwner(parts);
  const rows: Measured[] = [];
  const uploads = [
    { batchBytes: 8 * MIB, blocks: quick ? 128 : 512 },
    { batchBytes: 2 * MIB, blocks: quick ? 128 : 512 },
    ...(quick ? [] : [{ batchBytes: 8 * MIB, blocks: 2048 }]),
  ];
  for (const { batchBytes, blocks } of uploads) {
    const size = { repetitions: quick ? 1 : 3, blocks, blockBytes: BLOCK_BYTES, batchBytes };
    const what = `device, capture to stored, against a bare PUT, 100 Mbit/s, ${(blocks * BLOCK_BYTES) / MIB} MiB in batches of ${batchBytes / MIB} MiB`;
    const runs = await uploadAgainstPut(parts, owner, size, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      rows.push({ what, value: Number.NaN, unit: '', note: `NOT MEASURED: ${String(error).slice(0, 300)}` });
      return [];
    });
    if (runs.length === 0) continue;
    const of = (way: string) => summarise(runs.filter(({ series }) => series === way).map(({ y }) => y));
    const [bare, device] = [of('bare'), of('device')];
    const spread = `${device.min.toFixed(0)} to ${device.max.toFixed(0)} against ${bare.min.toFixed(0)} to ${bare.max.toFixed(0)} ms`;
    rows.push({
      what,
      ...{ value: device.median / bare.median, unit: 'x time', goal: { most: UPLOAD_GOAL } },
      note: `${spread}; blocks of 64 KiB, all there at the beginning`,
      load: loadavg()[0] as number,
    });
  }
  return rows;
}

function shoutMissing(missing: readonly string[]): void {
  const line = '!'.repeat(78);
  console.error(`${line}\n!!! NOT ON REAL PROGRAMS: ${missing.join(', ')} missing.`);
  console.error('!!! The figures are measured on the embedded parts and say so. For the real ones run:');
  console.error(`!!!     node dev/real/programs/install.ts\n${line}`);
}

if (import.meta.main) {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      ...{ quick: flag, figures: flag, embedded: flag, check: flag },
      out: { type: 'string', default: RESULTS },
      fleet: { type: 'string', default: '1000' },
    },
  });
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
  try {
    const rows = await main(values, stop.signal);
    if (values.check && rows.some((row) => isHeld(row) === false)) process.exitCode = 1;
  } catch (error) {
    console.error(stop.signal.aborted ? 'Interrupted.' : error);
    process.exitCode = stop.signal.aborted ? 130 : 1;
  }
  // Whatever a failed measurement has left open.
  process.exit();
}
