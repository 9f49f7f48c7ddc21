import { ATTACHED, type DatasetKind, ENCRYPTED, PLAIN } from '../../core/charter/kind.ts';

/** What the command line calls the kinds of datasets. */
export const KINDS = { encrypted: ENCRYPTED, plain: PLAIN, attached: ATTACHED } as const;

export type KindName = keyof typeof KINDS;

export function kindName(kind: DatasetKind): KindName {
  return kind === ENCRYPTED ? 'encrypted' : kind === PLAIN ? 'plain' : 'attached';
}
