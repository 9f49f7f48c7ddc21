import { equalBytes } from '../../core/bytes.ts';
import type { LogState } from '../../core/log/growth.ts';
import { stateNumber, UNKNOWN_SERIAL } from '../outbox/batch-rows.ts';
import { logSize } from '../outbox/log-end.ts';
import type { Outbox } from '../outbox/open-outbox.ts';

/** Whether a head of the chain is a state of this outbox's log. */
export function isOurs(outbox: Outbox, { size, root }: LogState): boolean {
  if (size === 0) return true;
  if (size > logSize(outbox)) return false;
  const row = outbox
    .sql('SELECT first + blocks AS size, state, serial, root FROM batches WHERE first < ? ORDER BY first DESC LIMIT 1')
    .get(size);
  // Rows are forgotten only once they are final and checked: then the log went through this head.
  if (row === undefined) return true;
  if (row.state === stateNumber('planned')) return false;
  // A stretch was final as a whole: a head inside it is one that the chain had before.
  if (row.size !== size) return row.serial === UNKNOWN_SERIAL;
  return equalBytes(row.root as Uint8Array, root);
}

/** Whether a head of the chain is not behind the end of our log, and no state of it. */
export function contradicts(outbox: Outbox, head: LogState): boolean {
  return head.size <= logSize(outbox) && !isOurs(outbox, head);
}

/** Whether our log has reached a head of the chain. */
export function holds(outbox: Outbox, head: LogState): boolean {
  return head.size <= logSize(outbox) && isOurs(outbox, head);
}
