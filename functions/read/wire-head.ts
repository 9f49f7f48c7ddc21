import { to0x } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { WireHead } from '../../core/wire/requests.ts';

/** The dataset's head by the latest and by the final chain. */
export async function readBothHeads(
  ledger: Ledger,
  dataset: DatasetId,
  signal?: AbortSignal,
): Promise<{ recorded: Head; final: Head }> {
  const [latest, final] = await Promise.all([
    ledger.readHeads([dataset], 'latest', signal),
    ledger.readHeads([dataset], 'final', signal),
  ]);
  return { recorded: latest.heads[0] as Head, final: final.heads[0] as Head };
}

export function wireHead({ size, root }: Head): WireHead {
  return { size, root: to0x(root) };
}
