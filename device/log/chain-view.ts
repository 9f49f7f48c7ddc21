import type { DatasetWriter } from '../../core/batch/seal-batch.ts';
import type { Head } from '../../core/log/head.ts';
import type { ChainDevice, ChainPoint, Ledger } from '../../core/ports/ledger.ts';

/** The chain as one comparison sees it. */
export interface ChainView {
  readonly latest: Head;
  readonly final: Head;
  readonly latestPoint: ChainPoint;
  readonly finalPoint: ChainPoint;
  /** Null where no charter of this dataset was ever sent. */
  readonly device: ChainDevice | null;
}

export async function readChain(
  { ledger, writer }: { readonly ledger: Ledger; readonly writer: Pick<DatasetWriter, 'dataset'> },
  signal: AbortSignal,
): Promise<ChainView> {
  const [latest, final, { devices }] = await Promise.all([
    ledger.readHeads([writer.dataset], 'latest', signal),
    ledger.readHeads([writer.dataset], 'final', signal),
    ledger.readDevices([writer.dataset], 'latest', signal),
  ]);
  return {
    latest: latest.heads[0] as Head,
    final: final.heads[0] as Head,
    latestPoint: latest.point,
    finalPoint: final.point,
    device: devices[0] ?? null,
  };
}
