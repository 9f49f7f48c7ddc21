import type { SealedMessage } from '../../core/agreement/message.ts';
import type { Address, AgreementId, BlockIndex } from '../../core/ids.ts';
import type { OfferedEvent } from '../../core/ports/agreements.ts';
import type { SaleState } from './sale-state.ts';

/** How far the owner's side of one agreement is. */
export interface SaleProgress {
  readonly nonce: bigint;
  /** The last message taken from the consumer; -1 before the first. */
  readonly received: number;
  /** Number of the next message to the consumer; null until the mailbox has been looked at. */
  readonly next: number | null;
  /** The highest voucher. */
  readonly voucher: { readonly due: bigint; readonly signature: Uint8Array } | null;
  /** Blocks of the paid prefix whose keys are on their way. */
  readonly released: number;
}

export function readScanned(state: SaleState): number {
  return Number(state.sql('SELECT scanned FROM identity').get()?.scanned);
}

export function noteOffers(state: SaleState, offers: readonly OfferedEvent[], scanned: number): OfferedEvent[] {
  return state.commit(() => {
    const insert = state.sql('INSERT OR IGNORE INTO agreements (id, nonce) VALUES (?, ?)');
    const added = offers.filter(({ id, nonce }) => insert.run(id, String(nonce)).changes === 1);
    state.sql('UPDATE identity SET scanned = ?').run(scanned);
    return added;
  });
}

/** Agreements that have not come to their end, oldest first. */
export function openAgreements(state: SaleState): AgreementId[] {
  const rows = state.sql('SELECT id FROM agreements WHERE settled IS NULL ORDER BY rowid').all();
  return rows.map(({ id }) => id as AgreementId);
}

export function noteSettled(state: SaleState, id: AgreementId, how: string): void {
  state.commit(() => {
    state.sql('UPDATE agreements SET settled = ? WHERE id = ?').run(how, id);
    state.sql('DELETE FROM outbox WHERE agreement = ?').run(id);
  });
}

/** @throws Error when the agreement was never noted: a mistake of the caller */
export function readProgress(state: SaleState, id: AgreementId): SaleProgress {
  const row = state.sql('SELECT nonce, received, next, due, voucher, released FROM agreements WHERE id = ?').get(id);
  if (row === undefined) throw new Error(`agreement ${id} is not in the state`);
  const voucher = row.due === null ? null : { due: BigInt(row.due as string), signature: row.voucher as Uint8Array };
  return {
    ...{ nonce: BigInt(row.nonce as string), received: Number(row.received), voucher, released: Number(row.released) },
    next: row.next === null ? null : Number(row.next),
  };
}

/** Before any key that it pays for is sent: what is not on the disk is not owed. */
export function noteVoucher(state: SaleState, id: AgreementId, due: bigint, signature: Uint8Array): void {
  state.commit(() => {
    state.sql('UPDATE agreements SET due = ?, voucher = ? WHERE id = ?').run(String(due), signature, id);
  });
}

export function noteNext(state: SaleState, id: AgreementId, next: number): void {
  state.sql('UPDATE agreements SET next = ? WHERE id = ?').run(next, id);
}

/** The blocks sampled so far, in the order they were asked for. */
export function readSamples(state: SaleState, id: AgreementId): BlockIndex[] {
  const rows = state.sql('SELECT block FROM samples WHERE agreement = ? ORDER BY place').all(id);
  return rows.map(({ block }) => Number(block));
}

/** What a step has led to: all of it is kept at once, or nothing. */
export interface SaleStep {
  readonly received?: number;
  readonly released?: number;
  readonly newSamples?: readonly BlockIndex[];
  readonly messages: readonly SealedMessage[];
}

export function keepStep(state: SaleState, id: AgreementId, step: SaleStep): void {
  state.commit(() => {
    if (step.received !== undefined) {
      state.sql('UPDATE agreements SET received = ? WHERE id = ?').run(step.received, id);
    }
    if (step.released !== undefined) {
      state.sql('UPDATE agreements SET released = ? WHERE id = ?').run(step.released, id);
    }
    const sample = state.sql('INSERT OR IGNORE INTO samples SELECT ?1, count(*), ?2 FROM samples WHERE agreement = ?1');
    for (const block of step.newSamples ?? []) sample.run(id, block);
    const message = state.sql('INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?)');
    for (const { sequence, to, enc, ciphertext, signature } of step.messages) {
      message.run(id, sequence, to, enc, ciphertext, signature);
      noteNext(state, id, sequence + 1);
    }
  });
}

/** The oldest message that has not been posted for sure. */
export function firstUnposted(state: SaleState, id: AgreementId, from: Address): SealedMessage | null {
  const row = state.sql('SELECT * FROM outbox WHERE agreement = ? ORDER BY sequence LIMIT 1').get(id);
  if (row === undefined) return null;
  return {
    ...{ agreement: id, from, to: row.receiver as Address, sequence: Number(row.sequence) },
    ...{ enc: row.enc as Uint8Array, ciphertext: row.ciphertext as Uint8Array },
    signature: row.signature as Uint8Array,
  };
}

export function notePosted(state: SaleState, id: AgreementId, sequence: number): void {
  state.sql('DELETE FROM outbox WHERE agreement = ? AND sequence = ?').run(id, sequence);
}
