import type { DatasetStanding } from '../../client/owner/read-standings.ts';
import { printable } from '../../client/printable.ts';
import type { Address } from '../../core/ids.ts';
import { EXIT } from '../exit-codes.ts';
import { lateText } from '../growth-text.ts';

/**
 * What is to be said of one dataset among many: what is wrong first; empty where all is as it should be.
 * @param ours the account in whose rounds the service anchors, where it is known
 */
export function standingNote(
  { standing, said, faults, stored, anchorer }: Omit<DatasetStanding, 'dataset'>,
  ours: Address | null,
): string {
  const [fault] = faults;
  if (fault !== undefined) return `${fault.kind}! See plumb owner verify`;
  if (isElsewhere(anchorer, ours)) {
    return `its charter names the anchorer ${anchorer}, not this service: plumb dataset anchor --elsewhere`;
  }
  // A device that has stored nothing yet stands in no round.
  if (said !== null && (stored?.blocks ?? 0) > 0) return printable(said);
  return standing?.late == null ? '' : lateText(standing.late);
}

/** Whether another service, or a former key of this one, would have to anchor it. */
export function isElsewhere(anchorer: Address | null, ours: Address | null): boolean {
  return anchorer !== null && ours !== null && anchorer !== ours;
}

/** A head that went back is worse than a service that does not answer. */
export function standingsExit(standings: readonly Pick<DatasetStanding, 'faults' | 'problem'>[]): number {
  if (standings.some(({ faults }) => faults.length > 0)) return EXIT.notIntact;
  return standings.some(({ problem }) => problem !== null) ? EXIT.unavailable : EXIT.ok;
}
