import type { SignedCharter } from '../../core/charter/charter.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Reader } from '../engine/questions.ts';

/** Who reads, and which datasets their files name: no key. */
export interface KnownReader {
  readonly reader: Reader;
  /** Charters that the reader keeps, by dataset. */
  readonly charters: ReadonlyMap<DatasetId, readonly SignedCharter[]>;
  /** What an auditor's file calls its datasets: shown only where the charter bears no name that reads as text. */
  readonly names: ReadonlyMap<DatasetId, string>;
}

export const NOBODY: KnownReader = {
  reader: { kind: 'nobody', account: null, notes: [] },
  charters: new Map(),
  names: new Map(),
};
