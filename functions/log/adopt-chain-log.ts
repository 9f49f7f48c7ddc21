import { equalBytes } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { ServicePorts } from '../ports.ts';
import { appendLogEntry, readLogEntry } from '../state/log-entry.ts';
import { cutLog } from './cut-log.ts';
import { findPath } from './find-path.ts';
import { forgetTiles } from './forget-tiles.ts';
import { readmitSegment } from './readmit-segment.ts';

/**
 * `agrees`: the log had the chain's head already. `adopted`: it has it now. `unknown`: no stored segments lead to that
 * head. `contended`: another process writes the log; what was done stays, and doing it again goes on.
 */
export type Adoption = 'agrees' | 'adopted' | 'unknown' | 'contended';

type Ports = Pick<ServicePorts, 'table'> & { readonly primitives: Pick<ServicePorts['primitives'], 'sha256'> };

/**
 * Makes the service's log follow the chain. Of rival segments the log holds the first verified; when the chain has
 * recorded another, the chain is right: the log is cut where the two part, and the batches that lead to the chain's head
 * take the place of those behind. Nothing is believed but the chain's root: what is adopted is rebuilt up to it first.
 *
 * Cut from the end and appended from the beginning, the log is a verified log at every moment, wherever this stops.
 */
export async function adoptChainLog(
  ports: Ports,
  dataset: DatasetId,
  chain: Pick<Head, 'batches' | 'size' | 'root'>,
  signal?: AbortSignal,
): Promise<Adoption> {
  if (chain.batches === 0) return 'agrees';
  const there = await readLogEntry(ports.table, dataset, chain.batches, signal);
  if (there !== null && equalBytes(there.root, chain.root)) return 'agrees';

  const path = await findPath(ports, dataset, chain, signal);
  if (path === null) return 'unknown';
  const [firstNew] = path;
  if (firstNew === undefined) return 'contended';
  await forgetTiles(ports.table, dataset, firstNew.entry.batches - 1, signal);
  await cutLog(ports.table, dataset, firstNew.entry.batches, signal);
  for (const { entry, segment } of path) {
    // The chain vouches for what was turned away, be it for its signer (a device since replaced) or for its root.
    if (segment.state === 'rejected') await readmitSegment(ports.table, dataset, segment, signal);
    if (await appendLogEntry(ports.table, dataset, entry, signal)) continue;
    const found = await readLogEntry(ports.table, dataset, entry.batches, signal);
    if (found === null || !equalBytes(found.root, entry.root)) return 'contended';
  }
  return 'adopted';
}
