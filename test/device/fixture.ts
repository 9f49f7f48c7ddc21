import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as dagCbor from '@ipld/dag-cbor';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { nodeTransfer } from '../../adapters/http/node-transfer.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import type { DatasetWriter } from '../../core/batch/seal-batch.ts';
import { decryptContent } from '../../core/block/content-cipher.ts';
import { contentBatchKey, contentKey, readKey } from '../../core/block/content-keys.ts';
import { type BlockMeta, decodeMeta } from '../../core/block/meta.ts';
import { concatBytes } from '../../core/bytes.ts';
import { datasetOfCharter, type SignedCharter, signCharter } from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { ENCRYPTED, PLAIN } from '../../core/charter/kind.ts';
import type { DisscDomain } from '../../core/dissc-domain.ts';
import { type Address, type DatasetKey, NO_ACCOUNT, type PrivateKey } from '../../core/ids.ts';
import type { FinalityReader } from '../../core/ports/finality.ts';
import type { RoundReader } from '../../core/ports/rounds.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { Transfer } from '../../core/ports/transfer.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { createDeviceClock, type DeviceClock } from '../../device/clock.ts';
import { DEFAULT_DEVICE_OPTIONS, type DeviceOptions } from '../../device/device-options.ts';
import type { DeviceEvent } from '../../device/events.ts';
import type { CompareParts } from '../../device/log/compare-parts.ts';
import { lastCaptureTime } from '../../device/outbox/last-capture.ts';
import { type Outbox, type OutboxOwner, openOutbox } from '../../device/outbox/open-outbox.ts';
import { encodeProvision } from '../../device/provision/provision-file.ts';
import type { Publication } from '../../device/publish/publish-next.ts';
import { runDevice } from '../../device/run-device.ts';
import type { Source } from '../../device/sources/source.ts';
import type { Remote } from './remote.ts';
import { plain, revive } from './wire-values.ts';

const running = new Map<string, () => Promise<unknown>>();

/** A folder that is gone when the test ends, and with it every device that still runs in it: a test may fail before it ends one. */
export function temporaryFolder(test: { after: (done: () => Promise<void>) => void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-device-'));
  test.after(async () => {
    const left = [...running].filter(([outboxPath]) => outboxPath.startsWith(folder));
    await Promise.allSettled(left.map(([, stop]) => stop()));
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A device's own part of a dataset, with the charter that names it and the key of its owner. */
export interface TestWriter extends DatasetWriter {
  readonly charter: SignedCharter;
  readonly ownerKey: PrivateKey;
}

const DOMAIN = { chainId: 31337, dissc: `0x${'d1'.repeat(20)}` as Address };

export function newWriter(options: { plain?: boolean; anchorer?: Address; dissc?: Address } = {}): TestWriter {
  const ownerKey = nodePrimitives.randomBytes(32) as PrivateKey;
  const name = encodeDatasetName('readings');
  const kind = options.plain ? PLAIN : ENCRYPTED;
  return writerOf(
    ownerKey,
    { owner: accountOfKey(ownerKey), name, kind, anchorer: options.anchorer ?? NO_ACCOUNT },
    1,
    0,
    { ...DOMAIN, dissc: options.dissc ?? DOMAIN.dissc },
  );
}

/** The writer of the device that comes after another, from a block on. */
export function successorOf({ ownerKey, charter, domain }: TestWriter, from: number): TestWriter {
  return writerOf(ownerKey, charter, charter.serial + 1, from, domain);
}

function writerOf(
  ownerKey: PrivateKey,
  { owner, name, kind, anchorer }: Pick<SignedCharter, 'owner' | 'name' | 'kind' | 'anchorer'>,
  serial: number,
  from: number,
  domain: DisscDomain,
): TestWriter {
  const deviceKey = nodePrimitives.randomBytes(32) as PrivateKey;
  const unsigned = { owner, name, kind, device: accountOfKey(deviceKey), anchorer, serial, from };
  const charter = { ...unsigned, signature: signCharter(domain, unsigned, ownerKey) };
  return {
    dataset: datasetOfCharter(domain, charter),
    kind,
    serial,
    datasetKey: nodePrimitives.randomBytes(32) as DatasetKey,
    deviceKey,
    domain,
    charter,
    ownerKey,
  };
}

export function accountOf(writer: Pick<DatasetWriter, 'deviceKey'>): Address {
  return accountOfKey(writer.deviceKey);
}

export function ownerOf(writer: DatasetWriter): OutboxOwner {
  return { dataset: writer.dataset, account: accountOf(writer), kind: writer.kind };
}

/** A writer as text, for another process. */
export function writerToJson(writer: TestWriter): string {
  return Buffer.from(dagCbor.encode(plain(writer))).toString('base64');
}

export function writerFromJson(text: string): TestWriter {
  return revive(dagCbor.decode(Buffer.from(text, 'base64'))) as TestWriter;
}

/** Everything fast, nothing else changed. */
export const FAST: DeviceOptions = {
  ...DEFAULT_DEVICE_OPTIONS,
  batch: { maxBlocks: 16, maxBytes: 2 ** 20, maxAgeMs: 20 },
  capture: { ...DEFAULT_DEVICE_OPTIONS.capture, commitWithinMs: 5 },
  backoff: { firstMs: 10, mostMs: 50 },
  followEveryMs: 10,
  pollMs: 10,
  recordEveryMs: 10,
  replaceAfterMs: 1000,
};

export interface RunningDevice {
  readonly events: DeviceEvent[];
  /** Whether all was final and checked. */
  readonly ended: Promise<boolean>;
  /** Resolves with the first event, past or coming, that fits. */
  event<K extends DeviceEvent['event']>(
    kind: K,
    fits?: (event: Extract<DeviceEvent, { event: K }>) => boolean,
  ): Promise<Extract<DeviceEvent, { event: K }>>;
  stop(): Promise<boolean>;
}

/** A device in this process, on a real outbox. */
export function startDevice(
  parts: {
    readonly remote: Pick<Remote, 'service' | 'ledger' | 'recorder'>;
    readonly writer: TestWriter;
    readonly outboxPath: string;
    readonly source: Source;
    readonly clock?: DeviceClock;
    /** The machine's where it is not given, as the transfers are HTTP's. */
    readonly runtime?: Runtime;
    readonly transfer?: Transfer;
    readonly direct?: boolean;
    /** Of a dataset that stands in rounds. */
    readonly rounds?: RoundReader;
    readonly finality?: FinalityReader;
    readonly publication?: Publication;
  },
  options: Partial<DeviceOptions> = {},
): RunningDevice {
  const { remote, writer, source } = parts;
  const account = accountOf(writer);
  const outbox = openOutbox(parts.outboxPath, ownerOf(writer));
  const stop = new AbortController();
  const events: DeviceEvent[] = [];
  const listeners = new Set<(event: DeviceEvent) => void>();
  const report = (event: DeviceEvent): void => {
    events.push(event);
    for (const listen of listeners) listen(event);
  };
  const ended = runDevice(
    {
      ...{
        primitives: nodePrimitives,
        runtime: parts.runtime ?? nodeRuntime,
        transfer: parts.transfer ?? nodeTransfer,
        outbox,
        writer,
        account,
        charter: writer.charter,
        source,
        report,
      },
      ...{
        service: remote.service,
        ledger: remote.ledger,
        clock: parts.clock ?? createDeviceClock(nodeRuntime, lastCaptureTime(outbox)),
      },
      ...(parts.rounds === undefined ? {} : { rounds: parts.rounds }),
      ...(parts.finality === undefined ? {} : { finality: parts.finality }),
      ...(parts.direct === true ? { recorder: remote.recorder } : {}),
      ...(parts.publication === undefined ? {} : { publication: parts.publication }),
    },
    { ...FAST, ...options },
    stop.signal,
  ).finally(() => {
    running.delete(parts.outboxPath);
    outbox.close();
  });
  ended.catch(() => {});
  const end = () => {
    stop.abort();
    return ended;
  };
  running.set(parts.outboxPath, end);
  return {
    events,
    ended,
    event: (kind, fits = () => true) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          const seen = events.slice(-20).map((event) => JSON.stringify(event));
          reject(new Error(`no event ${kind} within 20 s; last seen:\n${seen.join('\n')}`));
        }, 20_000);
        const look = (event: DeviceEvent): void => {
          if (event.event !== kind || !fits(event as never)) return;
          clearTimeout(timer);
          listeners.delete(look);
          resolve(event as never);
        };
        listeners.add(look);
        for (const event of [...events]) look(event);
      }),
    stop: end,
  };
}

/** The outbox with its log, as a backup of a running or stopped device would take it. */
export function copyOutbox(from: string, to: string): void {
  for (const ending of ['', '-wal']) {
    rmSync(`${to}${ending}`, { force: true });
    if (existsSync(`${from}${ending}`)) copyFileSync(`${from}${ending}`, `${to}${ending}`);
  }
  rmSync(`${to}-shm`, { force: true });
}

/** The provision file of a device, as its owner writes it. */
export function provisionOf(writer: TestWriter, urls: { readonly rpcUrl: string; readonly apiUrl: string }): string {
  const { dataset, charter, serial, datasetKey, deviceKey: devicePrivateKey } = writer;
  const content = { dataset, charter, serial, published: false, datasetKey, devicePrivateKey };
  return encodeProvision({ ...writer.domain, ...urls, ...content });
}

/** What an outbox's log is compared with, as a device that has just started with an empty outbox does it. */
export function comparing(writer: TestWriter, remote: Remote, outbox: Outbox): CompareParts {
  return {
    ...{ primitives: nodePrimitives, runtime: nodeRuntime, transfer: nodeTransfer, outbox, writer },
    ...{ account: accountOf(writer), charter: writer.charter, service: remote.service, ledger: remote.ledger },
    ...{
      record: 'relayed',
      publishes: false,
      bornEmpty: true,
      nowMs: Date.now,
      stream: { moves: true, adoptedBytes: 0 },
      report: () => {},
    },
  };
}

export interface RestoredBlock {
  readonly index: number;
  readonly meta: BlockMeta;
  readonly content: Uint8Array;
}

/** What an owner gets back: every block of the remote's log that is stored, opened with the keys of the devices that wrote it. */
export function restore(remote: Remote, ...writers: readonly DatasetWriter[]): RestoredBlock[] {
  return remote.blocks().map(({ block, index, meta, nonce, serial }) => {
    if (nonce === null) return { index, meta: decodeMeta(meta), content: block };
    const writer = writers.find((one) => one.serial === serial);
    if (writer === undefined) throw new Error(`block ${index} was sealed by the device of serial ${serial}`);
    const batchKey = contentBatchKey(nodePrimitives, readKey(nodePrimitives, writer.datasetKey), nonce);
    const key = contentKey(nodePrimitives, batchKey, index);
    const content = decryptContent(nodePrimitives, key, { dataset: writer.dataset, index }, block);
    return { index, meta: decodeMeta(meta), content };
  });
}

/** The stream: all blocks without a name, in order. */
export function restoreStream(blocks: readonly RestoredBlock[]): Buffer {
  return Buffer.from(
    concatBytes(...blocks.filter(({ meta }) => meta.name === undefined).map(({ content }) => content)),
  );
}

/** The files: for each name its versions, each put together from its parts. */
export function restoreFiles(blocks: readonly RestoredBlock[]): Map<string, Buffer[]> {
  const files = new Map<string, Buffer[]>();
  const open = new Map<string, Uint8Array[]>();
  for (const { meta, content } of blocks) {
    if (meta.name === undefined) continue;
    const { name, part = 0, parts = 1 } = meta;
    const sofar = part === 0 ? [] : (open.get(name) ?? []);
    if (sofar.length !== part) throw new Error(`part ${part} of ${name} follows on ${sofar.length} parts`);
    sofar.push(content);
    open.set(name, sofar);
    if (sofar.length < parts) continue;
    files.set(name, [...(files.get(name) ?? []), Buffer.concat(sofar)]);
    open.delete(name);
  }
  return files;
}
