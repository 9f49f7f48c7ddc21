import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { parseSegmentKey } from '../../core/batch/segment-key.ts';
import { toHex } from '../../core/bytes.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { PresignedRequest } from '../../core/ports/object-store.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { Transfer } from '../../core/ports/transfer.ts';
import type { Remote } from './remote.ts';

/** The remote's objects without a network between: what its HTTP server does, `latencyMs` later on a test's clock. */
export function memoryTransfer(
  runtime: Runtime,
  remote: Pick<Remote, 'objects' | 'puts' | 'ingest' | 'storeDown' | 'lying'>,
  latencyMs: number,
): Transfer {
  const arrive = async (signal: AbortSignal): Promise<void> => {
    await runtime.sleep(latencyMs, signal);
    if (remote.storeDown) throw new StoreUnavailableError('The object store does not answer.');
  };
  return {
    async put(put, body, _options, signal) {
      const key = keyOf(put);
      await arrive(signal);
      if (remote.lying) return 200;
      if ((remote.objects.get(key)?.car.length ?? 0) > 0) return 412;
      if (toHex(nodePrimitives.sha256(body)) !== parseSegmentKey(key)?.sha256Hex) return 400;
      remote.puts.push(key);
      const lost = remote.objects.get(key);
      if (lost === undefined) remote.ingest(body);
      else (lost as { car: Uint8Array }).car = body;
      return 200;
    },
    async get(get, signal) {
      await arrive(signal);
      const stored = remote.objects.get(keyOf(get));
      return { status: stored === undefined ? 404 : 200, body: piecesOf(stored?.car ?? new Uint8Array(0)) };
    },
  };
}

function keyOf({ url }: PresignedRequest): string {
  return decodeURIComponent(new URL(url).pathname.slice('/object/'.length));
}

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
}
