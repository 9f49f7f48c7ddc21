import { adoptChainLog } from '../log/adopt-chain-log.ts';
import { extendLog } from '../log/extend-log.ts';
import type { GrowingPorts } from '../log/growing-ports.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import type { Work } from './dataset-work.ts';
import { findEvents } from './find-events.ts';

export type FollowPorts = GrowingPorts & Pick<AnchorPorts, 'ledger' | 'observer'>;

/** Steps towards the chain's head in one run; the next run goes on. */
const MOST_STEPS = 8;

/** Whether the log has the chain's head, if need be by adopting the chain's history, and goes on behind it as far as is stored. */
export async function followChain(
  ports: FollowPorts,
  work: Pick<Work, 'dataset' | 'latest' | 'latestBlock' | 'final'>,
  isAllNoted: boolean,
  signal?: AbortSignal,
): Promise<boolean> {
  const { observer } = ports;
  const { dataset, latest } = work;
  const fields = { dataset, size: latest.size };
  let isAdopted = false;
  for (let step = 0; step < MOST_STEPS; step++) {
    const adoption = await adoptChainLog(
      ports,
      dataset,
      latest,
      () => findEvents(ports, work, isAllNoted, signal),
      signal,
    );
    if (adoption === 'agrees') {
      // What was stored behind the chain's head, and belongs there, comes back.
      if (isAdopted) await extendLog(ports, dataset, signal);
      return true;
    }
    if (adoption !== 'adopted') {
      // Recorded by the device itself and not checked in yet, or stored elsewhere.
      observer.warn('the chain has blocks that are not stored here', { ...fields, adoption });
      observer.count('Anchor.chainAhead');
      return false;
    }
    if (!isAdopted) {
      observer.warn('the log follows the chain', fields);
      observer.count('Anchor.logAdopted');
    }
    isAdopted = true;
  }
  return false;
}
