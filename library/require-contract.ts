import { FileError } from '../core/errors.ts';
import type { Address } from '../core/ids.ts';
import type { Connection } from './connection.ts';

/** @throws FileError when the connection does not name OCASC */
export function requireOcasc({ ocasc }: Pick<Connection, 'ocasc'>): Address {
  if (ocasc !== null) return ocasc;
  throw new FileError('No OCASC is named. Add "ocasc" to connection.json, or use a stack that has it.');
}

/** @throws FileError when the connection does not name ASC */
export function requireAsc({ asc }: Pick<Connection, 'asc'>): Address {
  if (asc !== null) return asc;
  throw new FileError('No ASC is named. Add "asc" to connection.json, or use a stack that has it.');
}
