import { fromHex } from '../../core/bytes.ts';
import type { Head } from '../../core/log/head.ts';
import type { ChainDevice } from '../../core/ports/ledger.ts';
import type { BatchLine } from '../../core/ports/service.ts';
import { MAX_PAGE } from '../../core/wire/requests.ts';
import { stateNumber, UNKNOWN_SERIAL } from '../outbox/batch-rows.ts';
import { cutBatches, logEnd } from '../outbox/log-end.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import { canSendCharter } from '../record/charter-to-send.ts';
import { withCharterShown } from '../upload/show-charter.ts';
import { adoptStored } from './adopt-stored.ts';
import { type ChainView, readChain } from './chain-view.ts';
import type { Adopted, CompareParts } from './compare-parts.ts';
import { contradicts, holds } from './is-ours.ts';
import { reachFinal } from './reach-final.ts';
import { reportAdopted } from './report-adopted.ts';

export interface Comparison {
  /** Why this device must not seal now, or null. */
  readonly held: string | null;
  /** Hash of the final chain block that the comparison was made at; null where the chain could not be read. */
  readonly finalBlock: Uint8Array | null;
  /** Both were read, and there is nothing of either that this outbox does not have. */
  readonly isLevel: boolean;
  /**
   * Blocks under this device's own signature that it had not sealed, behind what it had; null when there are none. Below the
   * charter's `from` they may be a former device's.
   */
  readonly taken: { readonly from: number; readonly blocks: number } | null;
}

/**
 * Compares the outbox's log with the chain's and the service's, after every start and before sealing
 * (specification#comparing-with-the-log). What is ahead was sealed by this device before its outbox was replaced by a copy,
 * or by the device before it: it is adopted. What was sealed here but has, in the final log, other blocks in its place goes
 * back to be sealed again. Whoever has made the chain's final head, and whether or not anybody has its blocks: the log goes
 * on behind it.
 * @throws when neither service nor chain answers: then nothing may be sealed
 */
export async function compareLog(parts: CompareParts, signal: AbortSignal): Promise<Comparison> {
  const [chain, listing] = await Promise.allSettled([
    parts.readView?.(signal) ?? readChain(parts, signal),
    listAhead(parts, signal),
  ]);
  signal.throwIfAborted();
  if (chain.status === 'rejected' && listing.status === 'rejected') throw chain.reason;
  const view = chain.status === 'fulfilled' ? chain.value : null;
  const listed = new Set(listing.status === 'fulfilled' ? listing.value.map(({ first }) => first) : []);
  const before = logEnd(parts.outbox).size;
  const { held, blocks } = await compareWith(parts, view, listed, signal);
  return {
    held,
    finalBlock: view === null ? null : fromHex(view.finalPoint.blockHash, 'block hash', 32),
    isLevel: held === null && view !== null && listing.status === 'fulfilled',
    taken: blocks > 0 && before >= parts.charter.from ? { from: before, blocks } : null,
  };
}

async function compareWith(
  parts: CompareParts,
  view: ChainView | null,
  listed: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<{ readonly held: string | null; readonly blocks: number }> {
  const { outbox } = parts;
  if (view !== null) {
    const reason = whyNotNamed(parts, view.device);
    if (reason !== null) return { held: reason, blocks: 0 };
    forgetDisowned(parts, view.latest);
  }
  let adopted: Adopted = { blocks: 0, known: 0 };
  const add = (more: Adopted): void => {
    adopted = { blocks: adopted.blocks + more.blocks, known: adopted.known + more.known };
  };
  const adopt = async (): Promise<void> => add(await adoptStored(parts, view, listed, signal));
  // An empty outbox takes its place behind a long log at once.
  const jumps = parts.bornEmpty && view !== null && view.final.size > 0 && logEnd(outbox).size === 0;
  if (!jumps && (view === null || !contradicts(outbox, view.final))) await adopt();
  if (view !== null && !holds(outbox, view.final)) {
    add(await reachFinal(parts, view, signal));
    await adopt();
  }
  if (adopted.blocks > 0) reportAdopted(parts, adopted);
  return { held: whyHeld(outbox, view), blocks: adopted.blocks - adopted.known };
}

/** What forbids sealing where this device is the one that the chain names, or null. */
function whyHeld(outbox: Outbox, view: ChainView | null): string | null {
  if (view === null) return null;
  if (contradicts(outbox, view.latest)) {
    return 'The chain has other blocks in place of some that this device sealed. Final blocks will decide.';
  }
  if (view.latest.size > logEnd(outbox).size) {
    return 'The chain is ahead of this outbox, and the service does not return the batches. Once the chain is final, this device continues after it.';
  }
  return null;
}

/** Why the chain does not let this device write, or null. */
function whyNotNamed(parts: CompareParts, named: ChainDevice | null): string | null {
  const { account, charter } = parts;
  if (named === null || named.device === account) return null;
  if (named.serial >= charter.serial) {
    return `On the chain, the device of this dataset is ${named.device}, not ${account}.`;
  }
  if (parts.record === 'direct' && canSendCharter(charter)) return null;
  return `The chain does not have this device's charter yet (account ${account}). The owner has to send it.`;
}

/** Whether a former device has stored batches here of which the chain may not have all. */
export function hasFormersOpen(outbox: Outbox, serial: number): boolean {
  const query = 'SELECT 1 FROM batches WHERE serial <> ? AND serial <> ? AND state <= ? LIMIT 1';
  return outbox.sql(query).get(serial, UNKNOWN_SERIAL, stateNumber('stored')) !== undefined;
}

/** What a former device stored at or above this charter's `from`, and the chain does not have, is not of this log. */
function forgetDisowned({ outbox, writer, charter, report }: CompareParts, latest: Head): void {
  const row = outbox
    .sql(`SELECT first FROM batches WHERE serial <> ? AND serial <> ? AND state <= ? AND first >= ? AND first + blocks > ?
      ORDER BY first LIMIT 1`)
    .get(writer.serial, UNKNOWN_SERIAL, stateNumber('stored'), latest.size, charter.from);
  if (row === undefined) return;
  const from = row.first as number;
  const blocks = outbox.commit(() => cutBatches(outbox, from));
  if (blocks > 0) report({ event: 'resealed', from, blocks });
}

/** What the service has behind the end of our log. */
async function listAhead(parts: CompareParts, signal: AbortSignal): Promise<BatchLine[]> {
  const { outbox, writer, service } = parts;
  const from = logEnd(outbox).size;
  const lines: BatchLine[] = [];
  let cursor: string | null | undefined;
  do {
    const query = { by: 'block' as const, from, limit: MAX_PAGE, ...(cursor == null ? {} : { cursor }) };
    const page = await withCharterShown(parts, () => service.listBatches(writer.dataset, query, signal), signal);
    lines.push(...page.batches.filter((line) => line.first >= from && line.state !== 'rejected' && !line.lost));
    cursor = page.next;
  } while (cursor !== null && lines.length < MAX_LISTED);
  return lines;
}

// A device that is so far behind adopts these first and looks again.
const MAX_LISTED = 20 * MAX_PAGE;
