import { FileError } from '../core/errors.ts';
import type { Address } from '../core/ids.ts';
import type { Connection } from './connection.ts';

/** @throws FileError when the connection does not name OCASC */
export function requireOcasc({ ocasc }: Pick<Connection, 'ocasc'>): Address {
  if (ocasc !== null) return ocasc;
  throw new FileError(
    'The connection does not name OCASC. Add "ocasc" to connection.json, or use a stack that has it.',
  );
}

/** @throws FileError when the connection does not name ASC */
export function requireAsc({ asc }: Pick<Connection, 'asc'>): Address {
  if (asc !== null) return asc;
  throw new FileError('The connection does not name ASC. Add "asc" to connection.json, or use a stack that has it.');
}
