/**
 * Many real devices in one process, each with an outbox of its own: a line a minute each, sealed at once. Started by
 * dev/bench/fleet.ts; ends with it.
 */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { createDisscFinality } from '../../../adapters/ethereum/dissc-finality.ts';
import { createDisscLedger } from '../../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRounds } from '../../../adapters/ethereum/dissc-rounds.ts';
import { nodeTransfer } from '../../../adapters/http/node-transfer.ts';
import { signMessage } from '../../../adapters/keys/mnemonic.ts';
import { nodeRuntime } from '../../../adapters/runtime/node-runtime.ts';
import { createStorageServiceClient } from '../../../client/service/storage-service-client.ts';
import { createDeviceClock } from '../../../device/clock.ts';
import { DEFAULT_DEVICE_OPTIONS } from '../../../device/device-options.ts';
import type { DeviceEvent } from '../../../device/events.ts';
import { openOutbox } from '../../../device/outbox/open-outbox.ts';
import { readProvision } from '../../../device/provision/read-provision.ts';
import { runDevice } from '../../../device/run-device.ts';
import { readLines } from '../../../device/sources/read-lines.ts';

export interface DevicesOrder {
  readonly provisions: readonly string[];
  /** The node that the devices ask. */
  readonly rpcUrl: string;
  readonly minutes: number;
  /** How long they may take, after the last line, until all is final and checked. */
  readonly settleMinutes: number;
}

/** What the devices have told, in all. */
export interface DevicesFigure {
  readonly devices: number;
  /** Devices whose every batch was final and checked in the end. */
  readonly complete: number;
  readonly batches: number;
  readonly stored: number;
  readonly checked: number;
  readonly retries: number;
  /** From sealed to stored, ms. */
  readonly storedMs: { readonly median: number; readonly most: number };
  readonly seconds: number;
}

const MINUTE_MS = 60_000;

async function run({ provisions, rpcUrl, minutes, settleMinutes }: DevicesOrder): Promise<DevicesFigure> {
  const startedMs = performance.now();
  const counted = { batches: 0, stored: 0, checked: 0, retries: 0, complete: 0 };
  const storedMs: number[] = [];
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), (minutes + settleMinutes) * MINUTE_MS);
  await Promise.all(
    provisions.map(async (path, place) => {
      // Not all in one step.
      const afterMs = (place * MINUTE_MS) / provisions.length;
      const sealedAt = new Map<number, number>();
      const note = (event: DeviceEvent): void => {
        if (event.event === 'retry') counted.retries++;
        if (event.event === 'checked') counted.checked++;
        if (event.event === 'sealed') {
          counted.batches++;
          sealedAt.set(event.first, performance.now());
        }
        if (event.event === 'stored') {
          counted.stored++;
          storedMs.push(performance.now() - (sealedAt.get(event.first) ?? startedMs));
        }
      };
      if (await runOne(path, rpcUrl, { afterMs, minutes }, note, stop.signal)) counted.complete++;
    }),
  );
  clearTimeout(timer);
  storedMs.sort((a, b) => a - b);
  const spread = { median: storedMs[storedMs.length >> 1] ?? Number.NaN, most: storedMs.at(-1) ?? Number.NaN };
  return { devices: provisions.length, ...counted, storedMs: spread, seconds: (performance.now() - startedMs) / 1_000 };
}

/** Whether all of it was final and checked. */
async function runOne(
  path: string,
  rpcUrl: string,
  { afterMs, minutes }: { readonly afterMs: number; readonly minutes: number },
  report: (event: DeviceEvent) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { chainId, dissc, apiUrl, account, charter, dataset, serial, datasetKey, ...provision } = readProvision(path);
  const deviceKey = provision.devicePrivateKey;
  const outbox = openOutbox(`${path}.outbox`, { dataset, account, kind: charter.kind });
  const chain = { rpcUrl, chainId, dissc };
  const [ledger, rounds] = [createDisscLedger(chain), createDisscRounds(chain)];
  const parts = {
    ...{ primitives: nodePrimitives, runtime: nodeRuntime, transfer: nodeTransfer, account, charter, outbox, report },
    writer: { dataset, kind: charter.kind, serial, datasetKey, deviceKey, domain: { chainId, dissc } },
    ...{ ledger, rounds, finality: createDisscFinality(chain, { ledger, rounds }) },
    service: createStorageServiceClient({
      ...{ runtime: nodeRuntime, apiUrl, chainId },
      account: { address: account, signMessage: (message) => signMessage(deviceKey, message) },
    }),
    clock: createDeviceClock(nodeRuntime, null),
    source: readLines(Readable.from(aLineAMinute(afterMs, minutes, signal)), 'bench', 1_024),
  };
  const batch = { ...DEFAULT_DEVICE_OPTIONS.batch, maxAgeMs: 1_000 };
  try {
    return await runDevice(parts, { ...DEFAULT_DEVICE_OPTIONS, batch, untilIdle: true }, signal);
  } finally {
    outbox.close();
  }
}

async function* aLineAMinute(afterMs: number, minutes: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  for (let minute = 0; minute < minutes; minute++) {
    await sleep(minute === 0 ? afterMs : MINUTE_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    yield Buffer.from(`${minute} at ${Date.now()}\n`);
  }
}

if (import.meta.main) {
  process.once('disconnect', () => process.exit(1));
  process.once('message', (order: DevicesOrder) => {
    run(order).then(
      (figure) => process.send?.(figure, () => process.exit()),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
