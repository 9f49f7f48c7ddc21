import type { HttpRow } from '../row.ts';
import type { Admission } from './admission.ts';

/** Lets everybody in, unsigned: for what is public and proves itself. */
export function admitAnyone(_row: HttpRow & { readonly callers: 'anyone' }): Admission<null, object> {
  return { identify: async () => null, admit: async () => ({}) };
}
