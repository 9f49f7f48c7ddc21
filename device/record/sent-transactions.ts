import type { SignedTransaction } from '../../core/ports/ledger.ts';
import type { Outbox } from '../outbox/open-outbox.ts';

/**
 * What the device's account has sent to record, until it is final: a reorganisation may take back what was mined, and keep
 * one that comes later. The next process finds it by its nonce.
 */
export function readSent(outbox: Outbox): SignedTransaction[] {
  return outbox
    .sql('SELECT * FROM transactions ORDER BY nonce')
    .all()
    .map((row) => ({
      hash: row.hash as string,
      nonce: row.nonce as number,
      raw: row.raw as string,
      maxFeePerGasWei: BigInt(row.max_fee as string),
      maxPriorityFeePerGasWei: BigInt(row.max_tip as string),
    }));
}

/** Keeps one before it is sent, in the place of another of its nonce. */
export function keepSent(outbox: Outbox, transaction: SignedTransaction, nowMs: number): void {
  const { hash, nonce, raw, maxFeePerGasWei, maxPriorityFeePerGasWei } = transaction;
  outbox.commit(() =>
    outbox
      .sql(
        'INSERT OR REPLACE INTO transactions (nonce, hash, raw, max_fee, max_tip, sent_ms) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(nonce, hash, raw, maxFeePerGasWei.toString(), maxPriorityFeePerGasWei.toString(), nowMs),
  );
}

/** Forgets those whose nonce the final chain has used. */
export function forgetFinal(outbox: Outbox, finalNonce: number): void {
  if (outbox.sql('SELECT 1 FROM transactions WHERE nonce < ?').get(finalNonce) === undefined) return;
  outbox.commit(() => outbox.sql('DELETE FROM transactions WHERE nonce < ?').run(finalNonce));
}

/** Forgets one that no node has taken, or that is wanted no more. */
export function forgetSent(outbox: Outbox, { hash }: Pick<SignedTransaction, 'hash'>): void {
  outbox.commit(() => outbox.sql('DELETE FROM transactions WHERE hash = ?').run(hash));
}
