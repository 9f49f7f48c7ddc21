import { eachInParallel } from '../../core/each-in-parallel.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Ledger, PublishedReader } from '../../core/ports/ledger.ts';

const PARALLEL_DATASETS = 8;

/**
 * Which of the datasets have sealed digests on the chain, sent by one of their devices: it is asked of those alone of which
 * something is recorded.
 * @throws LedgerUnavailableError when the chain cannot be read
 *
 * @example
 * const devices = charters.map(({ device }) => device);
 * const publishing = await findPublishing(ledger, [{ dataset, devices }], fromBlock);
 * console.log(publishing.has(dataset)); // false
 */
export async function findPublishing(
  ledger: Pick<Ledger, 'readHeads'> & PublishedReader,
  datasets: readonly { readonly dataset: DatasetId; readonly devices: readonly string[] }[],
  fromBlock: number,
  signal?: AbortSignal,
): Promise<Set<DatasetId>> {
  const ids = datasets.map(({ dataset }) => dataset);
  const { point, heads } = await ledger.readHeads(ids, 'latest', signal);
  const publishing = new Set<DatasetId>();
  await eachInParallel([...ids.keys()], PARALLEL_DATASETS, async (i) => {
    if ((heads[i]?.size ?? 0) === 0) return;
    const { dataset, devices } = datasets[i] as (typeof datasets)[number];
    const events = await ledger.findPublished(dataset, fromBlock, point.blockNumber, signal);
    // Anybody may publish anything; whether the owner's devices do is theirs to show.
    if (events.some(({ sender }) => devices.includes(sender))) publishing.add(dataset);
  });
  return publishing;
}
