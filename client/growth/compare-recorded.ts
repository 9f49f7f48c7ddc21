import { equalBytes } from '../../core/bytes.ts';
import { counted } from '../../core/counted.ts';
import type { Head } from '../../core/log/head.ts';
import type { SeenRecord } from '../../core/ports/head-memory.ts';
import type { RecordedEvent } from '../../core/ports/ledger.ts';
import type { GrowthFault } from './growth-report.ts';

/** What is to be said where what was final is not there any more. */
export const OTHER_CHAIN =
  'This is another chain, or its node lies. If you started the chain again yourself: plumb owner contradictions NAME --forget';

/**
 * Whether DISSC still has the head that it had at a final block when it was seen. Where it has not, the chain is another, or its
 * node lies: the contract itself lets no log go back. A node that is behind is none to ask.
 * @param updates those that DISSC has accepted; null where they were not looked up
 */
export function compareRecorded(
  seen: SeenRecord | null,
  {
    recorded,
    updates,
  }: {
    readonly recorded: Head;
    readonly updates: readonly RecordedEvent[] | null;
  },
): GrowthFault | null {
  if (seen === null) return null;
  const had = `DISSC had ${counted(seen.size, 'block')} of this dataset at chain block ${seen.blockNumber}, which was final`;
  const end = OTHER_CHAIN;
  const fault = (reason: string): GrowthFault => ({ kind: 'chain went back', reason, fault: null });
  if (recorded.size < seen.size) return fault(`${had}, but now has ${recorded.size}. ${end}`);
  const then = recorded.size === seen.size ? recorded : (updates?.find(({ size }) => size === seen.size) ?? null);
  const isOther = then === null ? updates !== null : !equalBytes(then.root, seen.root);
  return isOther ? fault(`${had}, but now has ${recorded.size} of a different log. ${end}`) : null;
}
