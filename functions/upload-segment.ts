import middy from '@middy/core';
import { segmentKey } from '../core/batch/segment-key.ts';
import { fromHex, to0x, toHex } from '../core/bytes.ts';
import type { Address, DatasetId } from '../core/ids.ts';
import type { Head } from '../core/log/head.ts';
import type { ObjectStore, PresignedRequest } from '../core/ports/object-store.ts';
import type { UploadSegmentResponse } from '../core/wire/requests.ts';
import { jsonAnswer } from './answer/answer.ts';
import { Problem } from './answer/problem.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { IngestPorts } from './ingest/ingest-segment.ts';
import { type Looked, lookAgain } from './ingest/look-again.ts';
import { type Remembered, SegmentMemory } from './ingest/segment-memory.ts';
import type { PortsOf } from './ports.ts';
import { readBothHeads, wireHead } from './read/wire-head.ts';
import type { AdmittedParty } from './rights/admit-parties.ts';
import { admitWriter } from './rights/admit-writer.ts';
import { notServed } from './rights/not-served.ts';
import { quotaOf } from './rights/quota-of.ts';
import { readNewestFinal } from './rounds/follow-rounds.ts';
import type { ChainRound } from './rounds/round-items.ts';
import { changeDatasetEntry } from './state/dataset-entry.ts';
import type { DatasetEntry } from './state/entries.ts';
import { type Junk, junkOf, MAX_JUNK_BYTES, MAX_JUNK_OBJECTS } from './state/junk-entry.ts';
import { readNotedFinal } from './state/noted-final.ts';
import { readSegmentEntry } from './state/segment-entry.ts';
import { pauseNearQuotaMs, readStored } from './state/usage-entry.ts';
import { uploadSegmentRow as row } from './table.ts';

export interface UploadInput {
  readonly dataset: DatasetId;
  /** Of the dataset, by the chain. */
  readonly owner: Address;
  /** The device that writes now. */
  readonly device: Address;
  /** Whose rounds it stands in; none: it is recorded directly. */
  readonly anchorer?: Address | null;
  readonly first: number;
  readonly sha256: Uint8Array;
  readonly sizeBytes: number;
  /** Who records the dataset from now on. */
  readonly record: 'relayed' | 'direct';
  /** Whether the device says that it has put it before. */
  readonly look: boolean;
}

/** How old may be what a device is told early by. The bounds themselves are kept to when its bytes have arrived. */
const REMEMBERED_MS = 600_000;
/** A hint at a round may be so old: devices ask for it once a minute. */
const ROUND_REMEMBERED_MS = 5_000;

interface Ports extends IngestPorts {
  readonly objects: IngestPorts['objects'] & Pick<ObjectStore, 'presignPut'>;
}

/**
 * Where a device may PUT one segment, bound to its bytes, or what is known of it when it is stored already; what is there
 * and was not checked in, is now. Bytes are counted when they have arrived and their hash is known (ingest-segment),
 * conditionally, so no race exceeds the quota; here a device is only told early that there is no room.
 * @throws Problem when the owner is not served, the quota is used up, or this segment was stored and rejected
 */
export async function uploadSegment(
  ports: Ports,
  input: UploadInput,
  signal?: AbortSignal,
): Promise<UploadSegmentResponse> {
  const quotaBytes = await quotaOf(ports, input.dataset, input.owner, signal);
  if (quotaBytes === null) throw notServed(ports.settings(), input.owner);
  const key = segmentKey(input.dataset, input.first, input.sha256);
  const [heads, round, entry, { put, ...looked }] = await Promise.all([
    headsOf(ports, input, signal),
    newestRound(ports, input, signal),
    noteDirect(ports, input, signal),
    presignUnlessStored(ports, input, key, quotaBytes, signal),
  ]);
  const junk = junkOf(entry, input.device);
  const isTooMuch = junk.bytes > MAX_JUNK_BYTES || junk.objects > MAX_JUNK_OBJECTS;
  if (put !== null && isTooMuch) throw tooMuchJunk(input.device, junk);
  return {
    key,
    put: put === null ? null : { ...put, headers: { ...put.headers } },
    ...looked,
    recorded: wireHead(heads.recorded),
    final: wireHead(heads.final),
    round: round === null ? null : { number: round.number, root: to0x(round.root) },
  };
}

/** Of what stands in rounds the table tells: a fleet's every upload would ask the chain for heads that it hardly ever has. */
async function headsOf(
  { table, ledger }: Ports,
  { dataset, anchorer }: UploadInput,
  signal?: AbortSignal,
): Promise<{ readonly recorded: Head; readonly final: Head }> {
  if (anchorer == null) return readBothHeads(ledger, dataset, signal);
  const final = await readNotedFinal(table, dataset, signal);
  return { recorded: final, final };
}

/** The newest final round, as it was lately: all devices of an anchorer share it. */
async function newestRound(
  { table, memory, runtime }: Ports,
  { anchorer }: UploadInput,
  signal?: AbortSignal,
): Promise<ChainRound | null> {
  if (anchorer == null) return null;
  const known = memory.rounds.get(anchorer);
  if (known !== undefined && runtime.monotonicMs() - known.atMs < ROUND_REMEMBERED_MS) return known.value;
  const value = await readNewestFinal({ table }, anchorer, signal);
  memory.rounds.set(anchorer, { value, atMs: runtime.monotonicMs() });
  return value;
}

/** The dataset's entry, with who records it from now on. */
async function noteDirect(
  { table, memory, runtime }: Ports,
  { dataset, record }: UploadInput,
  signal?: AbortSignal,
): Promise<DatasetEntry> {
  const direct = record === 'direct';
  const isSame = (entry: DatasetEntry) => (entry.direct ?? false) === direct;
  const known = memory.datasets.get(dataset);
  if (known !== undefined && isFresh(runtime, known) && isSame(known.value)) return known.value;
  const change = (entry: DatasetEntry) => (isSame(entry) ? null : { ...entry, direct });
  const value = await changeDatasetEntry(table, dataset, change, signal);
  memory.datasets.set(dataset, { value, atMs: runtime.monotonicMs() });
  return value;
}

/** The owner's stored bytes, as they were lately; read anew where they would leave no room, as often as that may be. */
async function storedUpTo(
  { table, memory, runtime }: Ports,
  owner: Address,
  roomBytes: number,
  signal?: AbortSignal,
): Promise<number> {
  const known = memory.stored.get(owner);
  if (known !== undefined) {
    const { bytes, datasets } = known.value;
    if (isFresh(runtime, known) && bytes <= roomBytes) return bytes;
    if (runtime.monotonicMs() - known.atMs < pauseNearQuotaMs(datasets)) return bytes;
  }
  const value = await readStored(table, owner, signal);
  memory.stored.set(owner, { value, atMs: runtime.monotonicMs() });
  return value.bytes;
}

function isFresh(runtime: Pick<Ports['runtime'], 'monotonicMs'>, { atMs }: Remembered<unknown>): boolean {
  return runtime.monotonicMs() - atMs < REMEMBERED_MS;
}

function tooMuchJunk(device: Address, { bytes, objects }: Junk): Problem {
  const limit = `the service takes at most ${MAX_JUNK_OBJECTS} such objects and ${MAX_JUNK_BYTES} bytes`;
  return new Problem(
    '/problems/quota',
    `${device} has stored ${objects} objects (${bytes} bytes) that are not segments; ${limit}. Replace the device, because someone else may have its key.`,
  );
}

/** Where to put it, or what is known of it where it is stored. */
async function presignUnlessStored(
  ports: Ports,
  input: UploadInput,
  key: string,
  quotaBytes: number,
  signal?: AbortSignal,
): Promise<Looked & { readonly put: PresignedRequest | null }> {
  const { dataset, first, owner, sizeBytes } = input;
  const name = { dataset, first, sha256Hex: toHex(input.sha256) };
  const entry = await readSegmentEntry(ports.table, dataset, name, signal);
  if (input.look || entry !== null || ports.memory.presigned.has(key)) {
    const looked = await lookAgain(ports, key, name, entry, signal);
    if (looked.state !== 'absent') return { put: null, ...looked };
  }
  const storedBytes = await storedUpTo(ports, owner, quotaBytes - sizeBytes, signal);
  if (entry?.counted !== true && storedBytes + sizeBytes > quotaBytes) {
    throw new Problem(
      '/problems/quota',
      `Owner ${owner} stores ${storedBytes} bytes; ${sizeBytes} more would exceed the quota of ${quotaBytes}.`,
    );
  }
  ports.memory.presigned.set(key, true);
  const put = await ports.objects.presignPut({ key, sizeBytes, sha256: input.sha256 }, row.limits.presignedSeconds);
  return { put, state: 'absent', waitsFor: null };
}

export const handlerFor = (ports: PortsOf<typeof row>, memory = new SegmentMemory()) =>
  middy(async ({ params, body, parties, signal }: Call<typeof row> & AdmittedParty) => {
    const { owner, device, anchorer } = parties;
    const segment = { ...params, ...body, owner, device, anchorer, sha256: fromHex(body.sha256) };
    return jsonAnswer(await uploadSegment({ ...ports, memory }, segment, signal));
  }).use(httpMiddleware(ports, row, admitWriter(ports, row)));
