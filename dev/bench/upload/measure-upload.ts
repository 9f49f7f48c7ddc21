/**
 * Behind the link: the same bytes as bare PUTs and through a device, in turn. One JSON line for each run.
 *
 *     node measure-upload.ts TASK.json
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { createDisscLedger } from '../../../adapters/ethereum/dissc-ledger.ts';
import { nodeTransfer } from '../../../adapters/http/node-transfer.ts';
import { signMessage } from '../../../adapters/keys/mnemonic.ts';
import { nodeRuntime } from '../../../adapters/runtime/node-runtime.ts';
import { createS3ObjectStore } from '../../../adapters/s3/s3-object-store.ts';
import { createStorageServiceClient } from '../../../client/service/storage-service-client.ts';
import type { StackFile } from '../../../core/wire/stack-file.ts';
import { createDeviceClock } from '../../../device/clock.ts';
import { DEFAULT_DEVICE_OPTIONS } from '../../../device/device-options.ts';
import { openOutbox } from '../../../device/outbox/open-outbox.ts';
import { readProvision } from '../../../device/provision/read-provision.ts';
import { runDevice } from '../../../device/run-device.ts';
import type { Source } from '../../../device/sources/source.ts';
import { putObject } from '../../../device/upload/put-object.ts';

/** What is to be measured. */
export interface UploadTask {
  readonly stack: StackFile;
  /** A device.json for each run. */
  readonly provisions: readonly string[];
  readonly folder: string;
  readonly blockBytes: number;
  readonly blocks: number;
  readonly batchBytes: number;
}

export interface UploadRun {
  readonly way: 'bare' | 'device';
  readonly ms: number;
}

const STALL_MS = 30_000;
const RUN_TIMEOUT_MS = 180_000;

async function measureBare({ stack }: UploadTask, bytes: Uint8Array): Promise<number> {
  const { bucket, s3Endpoint: endpoint, s3AccessKey, s3SecretKey } = stack;
  const credentials = { accessKeyId: s3AccessKey, secretAccessKey: s3SecretKey };
  const store = createS3ObjectStore({ region: 'us-east-1', bucket, endpoint, credentials });
  try {
    // Hashed and signed beforehand: nothing but the transfer is timed.
    const sha256 = nodePrimitives.sha256(bytes);
    const put = await store.presignPut({ key: `bench/bare-${randomUUID()}`, sizeBytes: bytes.length, sha256 }, 600);
    const began = performance.now();
    await putObject(nodeTransfer, put, bytes, { stallMs: STALL_MS }, AbortSignal.timeout(RUN_TIMEOUT_MS));
    return performance.now() - began;
  } finally {
    store.close();
  }
}

/** From giving the first block to the outbox until the last batch is in the store. */
async function measureDevice(task: UploadTask, bytes: Uint8Array, run: number): Promise<number> {
  const provision = readProvision(task.provisions[run] as string);
  const { rpcUrl, chainId, dissc, apiUrl, account, devicePrivateKey: deviceKey } = provision;
  const { dataset, serial, datasetKey, charter } = provision;
  const { kind } = charter;
  const outbox = openOutbox(join(task.folder, `outbox-${run}.sqlite`), { dataset, account, kind });
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), RUN_TIMEOUT_MS);
  let beganMs = 0;
  let storedMs = 0;
  let stored = 0;
  const source: Source = {
    description: 'blocks in memory',
    async run({ queue, clock }) {
      beganMs = performance.now();
      const captured: Promise<void>[] = [];
      for (let at = 0; at < bytes.length; at += task.blockBytes) {
        await queue.room();
        const content = bytes.subarray(at, at + task.blockBytes);
        captured.push(queue.capture({ blocks: [{ content, meta: clock.stamp() }] }));
      }
      await Promise.all(captured);
    },
  };
  try {
    await runDevice(
      {
        ...{
          primitives: nodePrimitives,
          outbox,
          account,
          source,
          runtime: nodeRuntime,
          transfer: nodeTransfer,
          clock: createDeviceClock(nodeRuntime),
        },
        charter,
        writer: { dataset, kind, serial, datasetKey, deviceKey, domain: { chainId, dissc } },
        ledger: createDisscLedger({ rpcUrl, chainId, dissc }),
        service: createStorageServiceClient({
          runtime: nodeRuntime,
          ...{ apiUrl, chainId },
          account: { address: account, signMessage: (message) => signMessage(deviceKey, message) },
        }),
        report(event) {
          if (event.event !== 'stored') return;
          stored += event.blocks;
          storedMs = performance.now();
          if (stored === task.blocks) stop.abort();
        },
      },
      {
        ...DEFAULT_DEVICE_OPTIONS,
        batch: { ...DEFAULT_DEVICE_OPTIONS.batch, maxBytes: task.batchBytes },
        // The rest is sealed when the source has ended, not when it is old.
        untilIdle: true,
      },
      stop.signal,
    );
  } finally {
    clearTimeout(late);
    outbox.close();
  }
  if (stored !== task.blocks) throw new Error(`${stored} of ${task.blocks} blocks were stored.`);
  return storedMs - beganMs;
}

if (import.meta.main) {
  const task = JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as UploadTask;
  const say = (run: UploadRun): void => void process.stdout.write(`${JSON.stringify(run)}\n`);
  for (let run = 0; run < task.provisions.length; run++) {
    const content = new Uint8Array(task.blocks * task.blockBytes);
    // Other bytes each time: an object of a known name is not sent again.
    for (let at = 0; at < content.length; at += 65_536) {
      content.set(nodePrimitives.randomBytes(Math.min(65_536, content.length - at)), at);
    }
    say({ way: 'bare', ms: await measureBare(task, content) });
    say({ way: 'device', ms: await measureDevice(task, content, run) });
  }
  process.exit(0);
}
