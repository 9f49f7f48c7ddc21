import { setTimeout as sleep } from 'node:timers/promises';
import type { Anchor } from '../../../core/ports/ledger.ts';
import type { BenchDataset, BenchOwner } from '../parts/open-owner.ts';
import { SLOT_MS } from '../parts/serve-parts.ts';
import type { Parts } from '../parts/start-parts.ts';
import type { Figure, Run } from '../report/figure.ts';
import { BLOCKS, startDevice, type WritingDevice } from './start-device.ts';
import { openThrottle, type Throttle } from './throttle.ts';

const SHARE = 0.1;
const LOOK_EVERY_MS = 40;
const FINAL_TIMEOUT_MS = 90_000;

/** A device and the way its batches get onto the chain. */
interface Way {
  readonly number: number;
  readonly name: string;
  readonly record: 'direct' | 'relayed';
  readonly throttle: Throttle | null;
}

/**
 * Figure 4 of the paper: how long writing to DISSC takes, from a sealed batch until it is mined and until it is final; by
 * the device itself or relayed, from a device with a whole core and from a throttled one.
 */
export async function writeToDissc(
  parts: Parts,
  owner: BenchOwner,
  repetitions: number,
  signal: AbortSignal,
): Promise<Figure> {
  const throttle = openThrottle(SHARE);
  const speeds = [
    { speed: 'fast device', enter: null },
    ...(throttle === null ? [] : [{ speed: 'throttled device', enter: throttle }]),
  ];
  const runs: Run[] = [];
  const ways: Way[] = speeds.flatMap(({ speed, enter }, i) =>
    (['direct', 'relayed'] as const).map((record, j) => {
      return { number: 2 * i + j, name: `${record}, ${speed}`, record, throttle: enter };
    }),
  );
  try {
    const datasets = await owner.open(ways.length);
    // The two ways of one device at the same time, so that a throttled one has the share for itself and its twin.
    for (let i = 0; i < ways.length; i += 2) {
      const pair = ways.slice(i, i + 2);
      const measured = pair.map((way) =>
        measureWay(parts, owner, way, datasets[way.number] as BenchDataset, repetitions, signal),
      );
      for (const one of await Promise.all(measured)) runs.push(...one);
    }
  } finally {
    throttle?.remove();
  }
  const throttled =
    throttle === null
      ? 'no throttled device: no control group may be made here'
      : `throttled: ${throttle.how}, shared by its two`;
  return {
    name: 'figure-4-writing',
    title: 'Figure 4: writing a batch of 16 blocks of 1 KiB to DISSC',
    x: { label: 'who records, from which device', scale: 'linear', kinds: ways.map(({ name }) => name) },
    y: { label: 'time since the batch was sealed (ms)', scale: 'linear' },
    ...{ xColumn: 'way', yColumn: 'ms', runs },
    notes: [
      `Sealing begins at a random time of a slot (${SLOT_MS} ms); final is two slots behind the head. Both include the upload.`,
      `${throttled}.${parts.kind === 'real' ? ' Relayed includes up to 500 ms until a listing of the bucket shows the object.' : ''}`,
    ],
  };
}

async function measureWay(
  parts: Parts,
  owner: BenchOwner,
  { number, record, throttle }: Way,
  { provision, device, writer }: BenchDataset,
  repetitions: number,
  signal: AbortSignal,
): Promise<Run[]> {
  if (record === 'direct') await parts.fund(device);
  const runs: Run[] = [];
  const until = async (anchor: Anchor, batch: number): Promise<number> => {
    const untilMs = performance.now() + FINAL_TIMEOUT_MS;
    for (;;) {
      const { heads } = await owner.ledger.readHeads([writer.dataset], anchor, signal);
      if ((heads[0]?.size ?? 0) >= BLOCKS * batch) return performance.now();
      if (performance.now() > untilMs) throw new Error(`Batch ${batch} was not ${anchor} in ${FINAL_TIMEOUT_MS} ms.`);
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    }
  };
  const measure = async (running: WritingDevice): Promise<void> => {
    // The first batch of a dataset opens connections and storage slots, and does not count.
    for (let batch = 1; batch <= repetitions + 1; batch++) {
      await sleep(Math.random() * SLOT_MS, undefined, { signal });
      const began = await running.write();
      const mined = await until('latest', batch);
      const final = await until('final', batch);
      if (batch === 1) continue;
      runs.push({ series: 'until mined', x: number, y: mined - began });
      runs.push({ series: 'until final', x: number, y: final - began });
    }
  };
  const running = startDevice(provision, { record, enter: throttle?.enter ?? '' });
  try {
    await measure(running);
  } finally {
    await running.stop();
  }
  return runs;
}
