import type { SoldLog } from '../../core/agreement/verify-keys.ts';
import { equalBytes, to0x } from '../../core/bytes.ts';
import { ArgumentError, ProofError, StateError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import type { Agreement, Agreements, Buyer } from '../../core/ports/agreements.ts';
import type { Anchor, Ledger } from '../../core/ports/ledger.ts';
import { type SignerOf, signersFrom } from '../../core/protocols/signers.ts';
import type { AuditedLog } from '../audit-blocks.ts';

/** An accepted agreement, as the chain has it. */
export type Purchase = Agreement & { readonly buyer: Buyer };

/** What a consumer verifies against: the log that the agreement is bound to. */
export interface PurchaseLog extends AuditedLog {
  readonly log: SoldLog;
  readonly signerOf: SignerOf;
}

/**
 * Tables IV and V, step 1: the agreement, from OCASC.
 * @throws ArgumentError when there is none; StateError when nobody has accepted it by then
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
  if (buyer === null) throw new StateError(`Agreement ${id} is ${agreement.state} ${at}; nobody has accepted it.`);
  return { ...agreement, buyer };
}

/**
 * The log that a purchase is bound to, with who signed its records. OCASC took its root from DISSC; that DISSC's own events
 * agree is looked at once more here.
 * @throws ProofError when they do not
 */
export async function readPurchaseLog(
  ledger: Ledger,
  { terms, root, size }: Agreement,
  fromBlock: number,
  signal?: AbortSignal,
): Promise<PurchaseLog> {
  const { dataset } = terms;
  const { point } = await ledger.readHeads([dataset], 'final', signal);
  const events = await ledger.findRecorded(dataset, fromBlock, point.blockNumber, signal);
  const recorded = events.filter((event) => event.size <= size).toSorted((a, b) => a.size - b.size);
  const made = recorded.find((event) => event.size === size);
  if (made !== undefined && !equalBytes(made.root, root)) {
    throw new ProofError(`OCASC and DISSC name different logs of ${size} blocks. Check the contracts' addresses.`);
  }
  const head = { dataset, size, root };
  return {
    log: head,
    head,
    anchor: { anchor: 'final', point, size, root: to0x(root) },
    recorded,
    // What came after the offer changes nothing of it.
    disowned: [],
    signerOf: signersFrom(events),
  };
}
