import type { NonceStore } from '../../adapters/http-signature/verify-request.ts';
import type { Table } from '../../core/ports/table.ts';
import { noncePk } from '../state/entries.ts';

/** Burnt nonces in the table. They are never looked for after they expire, so the table may forget them late. */
export function createNonceStore(table: Table): NonceStore {
  return {
    burn: (key, expiresAtMs) =>
      table.put({ pk: noncePk(key), sk: '-', expiresAtS: Math.ceil(expiresAtMs / 1000) + 1 }, 'absent'),
  };
}
