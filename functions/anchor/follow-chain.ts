import type { DatasetId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import { adoptChainLog } from '../log/adopt-chain-log.ts';
import { extendLog } from '../log/extend-log.ts';
import type { AnchorPorts } from './anchor-ports.ts';

/** Whether the log has the chain's head, if need be by adopting the chain's history. */
export async function followChain(
  ports: AnchorPorts,
  dataset: DatasetId,
  latest: Head,
  signal?: AbortSignal,
): Promise<boolean> {
  const { observer } = ports;
  const adoption = await adoptChainLog(ports, dataset, latest, signal);
  if (adoption === 'agrees') return true;
  const fields = { dataset, size: latest.size, adoption };
  if (adoption === 'adopted') {
    observer.warn('the log follows the chain', fields);
    observer.count('Anchor.logAdopted');
    // What was stored behind the chain's head, and belongs there, comes back.
    await extendLog(ports, dataset, signal);
    return true;
  }
  // Recorded by the device itself and not checked in yet, or stored elsewhere.
  observer.warn('the chain has blocks that are not stored here', fields);
  observer.count('Anchor.chainAhead');
  return false;
}
