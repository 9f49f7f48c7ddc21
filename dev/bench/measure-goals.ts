import { readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import type { PeerFigure } from './gas-peers.ts';
import type { HashingMemoryFigure } from './hashing-memory.ts';
import { measureFleets, measureWaiting } from './measure-fleets.ts';
import type { Measured } from './report/goal.ts';
import { summarise } from './report/summarise.ts';
import { runJson } from './run-json.ts';

export interface GoalOptions {
  readonly quick: boolean;
  readonly progress: (what: string) => void;
  /** Where drawings of fleets go. */
  readonly out: string;
  /** Devices of the simulated fleet. */
  readonly fleet: number;
}

const MINUTE_MS = 60_000;
/** What the peers' gas is compared with, a block: one batch, alone in its transaction. */
const OURS = 'DISSC: record 1 batch of 1,024 on 1,024,000 blocks';
const OURS_BLOCKS = 1024;
const AUDIT_GOAL_BYTES = 2 ** 20;

/** Measures what specification#figures names, but for what needs the running service: each in a process of its own. */
export async function measureGoals(options: GoalOptions, signal: AbortSignal): Promise<Measured[]> {
  const { quick, progress, out, fleet } = options;
  const rows: Measured[] = [];
  const add = async (what: string, measure: () => Promise<Measured[]>): Promise<void> => {
    progress(what);
    try {
      const measured = await measure();
      const load = loadavg()[0] as number;
      rows.push(...measured.map((row) => ({ ...row, load })));
    } catch (error) {
      signal.throwIfAborted();
      // The others are worth having all the same.
      rows.push({ what, value: Number.NaN, unit: '', note: `NOT MEASURED: ${String(error).slice(0, 300)}` });
    }
  };
  // What other work on the machine does not change comes first.
  await add('gas, as it was measured last', readGas);
  await add('gas of others’ ways, on anvil', async () => {
    const ours = (rows.find(({ what }) => what === OURS)?.value ?? Number.NaN) / OURS_BLOCKS;
    return (await measurePeers(signal)).map((row) => {
      return { ...row, note: `${(row.value / ours).toFixed(0)} times "${OURS}"` };
    });
  });
  await add('the size of an audit', () => measureAudit(signal));
  await add('AWS requests a batch', () => measureRequests(signal));
  await add('get-records on a long log, cold', () => measureColdRecords(quick, signal));
  await add('checking in much at once', () => measureIngestLoad(signal));
  await add('fleets, simulated', () => measureFleets({ quick, out, fleet }, signal));
  await add('what a waiting device asks the chain', () => measureWaiting(quick, signal));
  await add('an owner’s audit among strangers', () => measureStrangers(signal));
  await add('the embedded stack and the demo', () => measureStack(quick, signal));
  await add('a device at 1,000 blocks a second', () => measureDevice(quick ? 5 : 20, signal));
  await add('hashing, against openssl speed', () => measureHashing(signal));
  await add('memory while hashing', () => measureHashingMemory(signal));
  return rows;
}

/** What `dev/contracts/check-gas.ts` has measured; it fails where one differs or a goal is missed. */
async function readGas(): Promise<Measured[]> {
  const path = join(import.meta.dirname, '..', '..', 'contracts', 'gas.json');
  const { osaka, goals } = JSON.parse(await readFile(path, 'utf8')) as Record<
    'osaka' | 'goals',
    Record<string, number>
  >;
  return Object.entries(goals).map(([what, most]) => {
    return { what, value: osaka[what] ?? Number.NaN, unit: 'gas', goal: { most } };
  });
}

async function measurePeers(signal: AbortSignal): Promise<Measured[]> {
  const figures = await runJson<Record<string, PeerFigure>>('gas-peers.ts', [], 2 * MINUTE_MS, signal);
  return Object.entries(figures).map(([what, { gasPerBlock }]) => {
    return { what: `peer: ${what}`, value: gasPerBlock, unit: 'gas a block' };
  });
}

async function measureAudit(signal: AbortSignal): Promise<Measured[]> {
  const { total, requests } = await runJson<{ total: number; requests: number }>(
    'audit-size.ts',
    [],
    MINUTE_MS,
    signal,
  );
  const what = 'answers of one audit, 460 of 1e6 blocks of 1 MiB, bodies';
  return [
    { what, value: total, unit: 'bytes', goal: { most: AUDIT_GOAL_BYTES }, note: `${requests} parallel requests` },
  ];
}

interface HashingFigure {
  readonly blockBytes: number;
  readonly openingsMibPerSecond: number;
  readonly hashingMibPerSecond: number;
  readonly opensslMibPerSecond: number;
  readonly hashingAgainstOpenssl: { readonly min: number; readonly median: number; readonly max: number };
}

async function measureHashing(signal: AbortSignal): Promise<Measured[]> {
  const { figures } = await runJson<{ figures: HashingFigure[] }>('hashing.ts', [], 2 * MINUTE_MS, signal);
  return figures.flatMap((figure) => {
    const { blockBytes, hashingAgainstOpenssl: ratio } = figure;
    const of = `blocks of ${blockBytes / 1024} KiB`;
    const rates = `${figure.hashingMibPerSecond.toFixed(0)} against ${figure.opensslMibPerSecond.toFixed(0)} MiB/s`;
    return [
      {
        what: `hashing loop of hash-blocks against openssl speed, ${of}`,
        ...{ value: ratio.median, unit: 'x', goal: { least: 0.8 } },
        note: `${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}; ${rates}`,
      },
      {
        what: `openings with chunk tree, one core, ${of}`,
        value: figure.openingsMibPerSecond,
        unit: 'MiB/s',
        goal: { least: 150 },
      },
    ];
  });
}

async function measureHashingMemory(signal: AbortSignal): Promise<Measured[]> {
  const { few, many } = await runJson<HashingMemoryFigure>('hashing-memory.ts', [], 5 * MINUTE_MS, signal);
  return [
    {
      what: `hash-blocks, memory at the most, ${many.blocks} blocks of 1 MiB against ${few.blocks}`,
      ...{ value: many.bytes / few.bytes, unit: 'x', goal: { most: 1.2 } },
      note: `${(many.bytes / 1e6).toFixed(0)} against ${(few.bytes / 1e6).toFixed(0)} MB`,
    },
  ];
}

interface ReadCost {
  readonly tableReads: number;
  readonly objectReads: number;
  readonly readBytes: number;
  readonly answerBytes: number;
  readonly cpuMs: number;
}

async function measureColdRecords(quick: boolean, signal: AbortSignal): Promise<Measured[]> {
  const { batches, blocks, figures } = await runJson<{
    batches: number;
    blocks: number;
    figures: Record<string, { cold: ReadCost; warm: ReadCost }>;
  }>('cold-records.ts', quick ? ['--batches', '4096'] : [], 20 * MINUTE_MS, signal);
  return Object.entries(figures).flatMap(([asked, { cold, warm }]) => {
    const what = `get-records, ${asked}, log of ${batches} batches, ${blocks} blocks, the first time`;
    const reads = ({ tableReads, objectReads }: ReadCost) => tableReads + objectReads;
    const isGoal = asked === '460 scattered';
    return [
      {
        what: `${what}: reads`,
        ...{ value: reads(cold), unit: 'reads', ...(isGoal ? { goal: { most: 600 } } : {}) },
        note: `${cold.tableReads} of the table, ${cold.objectReads} of the bucket, ${cold.readBytes} bytes; answer ${cold.answerBytes} bytes; later ${reads(warm)} reads`,
      },
      {
        what: `${what}: processor time`,
        ...{ value: cold.cpuMs, unit: 'ms', ...(isGoal ? { goal: { most: 2_000 } } : {}) },
        note: `later ${warm.cpuMs.toFixed(0)} ms`,
      },
    ];
  });
}

interface IngestLoad {
  readonly order: { readonly reads: number; readonly writes: number; readonly mostReads: number };
  readonly owner: { readonly segments: number; readonly contended: number; readonly failed: number };
}

async function measureIngestLoad(signal: AbortSignal): Promise<Measured[]> {
  const { order, owner } = await runJson<IngestLoad>('ingest-load.ts', [], 5 * MINUTE_MS, signal);
  return [
    {
      what: 'table requests a segment, 2,000 of one dataset, the last one first',
      ...{ value: order.reads + order.writes, unit: 'requests', goal: { most: 16 } },
      note: `${order.reads.toFixed(1)} reads, ${order.writes.toFixed(1)} writes; at most ${order.mostReads} reads in one run`,
    },
    {
      what: 'writes of usage that meet another, 50 instances on the datasets of one owner',
      ...{ value: owner.contended, unit: 'writes', goal: { most: 0 } },
      note: `${owner.segments} segments, ${owner.failed} failed`,
    },
  ];
}

async function measureStrangers(signal: AbortSignal): Promise<Measured[]> {
  const { most, ratios } = await runJson<{ most: number; ratios: Record<string, number> }>(
    ...['strangers.ts', [], 3 * MINUTE_MS, signal],
  );
  const note = Object.entries(ratios).map(([what, ratio]) => `${what} ${ratio.toFixed(1)}`);
  const what = 'prove-chunks of an owner with 64 unsigned clients at work, against alone';
  return [{ what, value: most, unit: 'times', goal: { most: 3 }, note: note.join(', ') }];
}

async function measureRequests(signal: AbortSignal): Promise<Measured[]> {
  const { most, counted } = await runJson<{ most: number; counted: { blocks: number }[] }>(
    ...['aws-requests.ts', [], MINUTE_MS, signal],
  );
  const note = `batches of ${counted.map(({ blocks }) => blocks).join(', ')} blocks; the anchor’s wake-up is one more`;
  return [
    {
      what: 'AWS requests a batch, from upload to its place in the log',
      value: most,
      unit: 'requests',
      goal: { most: 16 },
      note,
    },
  ];
}

interface DeviceFigure {
  readonly peakMemoryBytes: number;
  readonly writtenPerCaptured: number;
  readonly seconds: number;
}

async function measureDevice(seconds: number, signal: AbortSignal): Promise<Measured[]> {
  const figure = await runJson<DeviceFigure>('device.ts', ['--seconds', `${seconds}`], 5 * MINUTE_MS, signal);
  const note = `for ${seconds} s`;
  return [
    {
      what: 'device memory, 1,000 blocks of 1 KiB a second',
      value: figure.peakMemoryBytes / 1e6,
      unit: 'MB',
      goal: { most: 256 },
      note,
    },
    {
      what: 'bytes written to disk a captured byte',
      value: figure.writtenPerCaptured,
      unit: 'bytes',
      goal: { most: 3 },
    },
  ];
}

interface StackFigure {
  readonly readySeconds: readonly number[];
  readonly demo: { readonly ok: boolean; readonly firstActSeconds: number; readonly allSeconds: number } | null;
}

async function measureStack(quick: boolean, signal: AbortSignal): Promise<Measured[]> {
  const parameters = quick ? ['--runs', '1'] : ['--runs', '3', '--demo'];
  const { readySeconds, demo } = await runJson<StackFigure>('stack-ready.ts', parameters, 5 * MINUTE_MS, signal);
  const { min, median, max } = summarise(readySeconds);
  const note = `${min.toFixed(1)} to ${max.toFixed(1)} s, from the command on`;
  const ready = { what: 'embedded stack, ready', value: median, unit: 's', goal: { most: 3 }, note };
  if (demo === null) return [ready];
  const said = demo.ok ? {} : { note: 'not every expectation of it held' };
  return [
    ready,
    { what: 'the demo’s first act', value: demo.firstActSeconds, unit: 's', goal: { most: 30 } },
    { what: 'the demo, all of it', value: demo.allSeconds, unit: 's', goal: { most: 60 }, ...said },
  ];
}
