import type { SoldLog } from '../../core/agreement/verify-keys.ts';
import { equalBytes, to0x } from '../../core/bytes.ts';
import { counted } from '../../core/counted.ts';
import { ArgumentError, ProofError, StateError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { Agreement, Agreements, Buyer } from '../../core/ports/agreements.ts';
import type { HeadMemory } from '../../core/ports/head-memory.ts';
import type { Anchor, Ledger, RecordedEvent } from '../../core/ports/ledger.ts';
import { type SignerOf, signersFrom } from '../../core/protocols/signers.ts';
import type { AuditedLog } from '../audit-blocks.ts';
import { compareRecorded } from '../growth/compare-recorded.ts';
import type { GrowthReport } from '../growth/growth-report.ts';

/** An accepted agreement, as the chain has it. */
export type Purchase = Agreement & { readonly buyer: Buyer };

/** What a consumer verifies against: the log that the agreement is bound to. */
export interface PurchaseLog extends AuditedLog {
  readonly log: SoldLog;
  readonly growth: GrowthReport;
  readonly signerOf: SignerOf;
}

/**
 * Tables IV and V, step 1: the agreement, from OCASC.
 * @throws ArgumentError when there is none; StateError when nobody has accepted it by then
 *
 * @example
 * const { terms, buyer } = await openPurchase(market, agreement, 'final');
 * console.log(terms.count, buyer.consumer);
 */
export async function openPurchase(
  agreements: Agreements,
  id: AgreementId,
  anchor: Anchor,
  signal?: AbortSignal,
): Promise<Purchase> {
  const { point, agreement } = await agreements.readAgreement(id, anchor, signal);
  const at = `at the ${anchor} block ${point.blockNumber}`;
  if (agreement === null) throw new ArgumentError(`There is no agreement ${id} ${at}. Check the id and the chain.`);
  const { buyer } = agreement;
  if (buyer === null) throw new StateError(`Nobody has accepted agreement ${id}, which is ${agreement.state} ${at}.`);
  return { ...agreement, buyer };
}

/**
 * The log that a purchase is bound to, with who signed its records. OCASC took its root from DISSC; that DISSC's own events
 * agree is looked at once more here, and that DISSC has what this consumer has seen there before.
 * @throws ProofError when they do not
 *
 * @example
 * const { log, growth } = await readPurchaseLog(ledger, purchase, fromBlock, null);
 * console.log(log.size, growth.faults.length); // 4 0
 */
export async function readPurchaseLog(
  ledger: Ledger,
  { terms, root, size }: Agreement,
  fromBlock: number,
  memory: HeadMemory | null,
  signal?: AbortSignal,
): Promise<PurchaseLog> {
  const { dataset } = terms;
  const { point, heads } = await ledger.readHeads([dataset], 'final', signal);
  const events = await ledger.findRecorded(dataset, fromBlock, point.blockNumber, signal);
  const recorded = events.filter((event) => event.size <= size).toSorted((a, b) => a.size - b.size);
  const made = recorded.find((event) => event.size === size);
  if (made !== undefined && !equalBytes(made.root, root)) {
    throw new ProofError(
      `OCASC and DISSC name different logs of ${counted(size, 'block')}. Check the contracts' addresses.`,
    );
  }
  const head = { dataset, size, root };
  return {
    growth: compareSeen(memory, heads[0] as Head, events, point.blockNumber),
    log: head,
    head,
    anchor: { anchor: 'final', point, size, root: to0x(root) },
    recorded,
    // What came after the offer changes nothing of it.
    disowned: [],
    signerOf: signersFrom(events),
  };
}

/** The newest head on DISSC is remembered, where it contradicts nothing. */
function compareSeen(
  memory: HeadMemory | null,
  recorded: Head,
  updates: readonly RecordedEvent[],
  blockNumber: number,
): GrowthReport {
  const { dataset, size, root } = recorded;
  const { round = null, recorded: kept = null } = memory?.readHeads(dataset) ?? {};
  const isBehind = kept !== null && blockNumber < kept.blockNumber;
  const seen = isBehind ? null : kept;
  const fault = compareRecorded(seen, { recorded, updates });
  if (fault === null && size > 0 && !isBehind)
    memory?.keepHeads([[dataset, { round, recorded: { size, root, blockNumber } }]]);
  return {
    seen: seen === null ? null : { size: seen.size, round: null, blockNumber: seen.blockNumber },
    problems: memory?.problems ?? [],
    faults: fault === null ? [] : [fault],
    contradictions: [],
    unknown: [],
  };
}
