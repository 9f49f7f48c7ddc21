import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { AgreementId } from '../../core/ids.ts';
import { SaleStateError } from './sale-state.ts';

/**
 * The highest voucher of an agreement that a server keeps in this folder, also while it runs; null when it has none.
 * @throws SaleStateError when there is no state, or it cannot be read
 *
 * @example
 * console.log(readKeptVoucher(sales, agreement)?.due); // 1300n
 */
export function readKeptVoucher(folder: string, id: AgreementId): { due: bigint; signature: Uint8Array } | null {
  const path = join(folder, 'sales.sqlite');
  if (!existsSync(path)) throw new SaleStateError(`${folder} holds no state of plumb owner serve.`);
  try {
    const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    try {
      const row = database.prepare('SELECT due, voucher FROM agreements WHERE id = ? AND due IS NOT NULL').get(id);
      return row === undefined ? null : { due: BigInt(row.due as string), signature: row.voucher as Uint8Array };
    } finally {
      database.close();
    }
  } catch (cause) {
    throw new SaleStateError(`The state of plumb owner serve in ${folder} cannot be read.`, { cause });
  }
}
