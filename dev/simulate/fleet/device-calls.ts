import { anchorFromWire } from '../../../client/service/anchor-from-wire.ts';
import { toHex } from '../../../core/bytes.ts';
import type { Address, DatasetId, RoundRoot } from '../../../core/ids.ts';
import type { DatasetAnchor } from '../../../core/ports/service.ts';
import type { UploadSegmentResponse } from '../../../core/wire/requests.ts';
import { getAnchor } from '../../../functions/get-anchor.ts';
import { SegmentMemory } from '../../../functions/ingest/segment-memory.ts';
import { portsOf, type ServicePorts } from '../../../functions/ports.ts';
import { createWriterFinder } from '../../../functions/rights/admit-writer.ts';
import { createNonceStore } from '../../../functions/rights/nonce-store.ts';
import { RoundMemory } from '../../../functions/rounds/round-memory.ts';
import { getAnchorRow, uploadSegmentRow } from '../../../functions/table.ts';
import { uploadSegment } from '../../../functions/upload-segment.ts';
import type { Invocation } from './function-pool.ts';
import type { Latencies } from './latencies.ts';
import type { Processor } from './processor.ts';

/** What a device asks before it uploads. */
export interface UploadCall {
  readonly caller: Address;
  readonly dataset: DatasetId;
  readonly first: number;
  readonly sha256: Uint8Array;
  readonly sizeBytes: number;
  /** Of the request, which is burnt. */
  readonly nonce: string;
}

export interface AnchorCall {
  readonly dataset: DatasetId;
  readonly round: RoundRoot;
}

const NONCE_MS = 90_000;

/**
 * upload-segment on one machine. Of the HTTP around it only the signature's arithmetic is left out: its time is spent, its nonce is
 * burnt and the caller's right is looked up as the middleware does (functions/rights/admit-writer.ts).
 */
export function createUploadCall({ callCpu }: Latencies) {
  return (all: ServicePorts, processor: Processor): Invocation<UploadCall, UploadSegmentResponse> => {
    const ports = { ...portsOf(uploadSegmentRow, all), memory: new SegmentMemory() };
    const nonces = createNonceStore(ports.table);
    const findWriter = createWriterFinder(ports, uploadSegmentRow.callers);
    const { signal } = new AbortController();
    return async ({ caller, dataset, nonce, ...segment }) => {
      await processor.spend({ cpuMs: callCpu, waitMs: 0 });
      if (!(await nonces.burn(nonce, ports.runtime.nowMs() + NONCE_MS)))
        throw new Error(`The nonce ${nonce} is burnt.`);
      const { owner, device, anchorer } = await findWriter(dataset, caller, signal);
      const input = { ...segment, dataset, owner, device, anchorer, record: 'relayed' as const, look: false };
      return uploadSegment(ports, input, signal);
    };
  };
}

/** get-anchor on one machine: nobody signs it. */
export function createAnchorCall(all: ServicePorts): Invocation<AnchorCall, DatasetAnchor> {
  const ports = { ...all, ...portsOf(getAnchorRow, all) };
  const memory = new RoundMemory();
  const { signal } = new AbortController();
  return async ({ dataset, round }) => {
    const answer = await getAnchor(ports, { dataset, round: `0x${toHex(round)}` }, signal, memory);
    return anchorFromWire(dataset, answer);
  };
}
