import { MAX_EVIDENCE_FILE_BYTES } from '../../core/evidence/evidence.ts';

/** The files that a reader has given, by what they are. */
export interface SortedFiles {
  /** Null where none of them is evidence. */
  readonly evidence: File | null;
  /** Evidence beside the one that is checked. */
  readonly others: readonly File[];
  readonly data: readonly File[];
}

/**
 * Tells evidence from data: by its name, or, where the name was lost, by how its bytes begin. Of several the first is checked.
 * @example
 * const { evidence, data } = await sortFiles([...input.files]);
 */
export async function sortFiles(files: readonly File[]): Promise<SortedFiles> {
  const found: File[] = [];
  const data: File[] = [];
  for (const file of files) ((await isEvidence(file)) ? found : data).push(file);
  const [evidence = null, ...others] = found;
  return { evidence, others, data };
}

const SUFFIX = /\.evidence\.json$/i;
/** Keys are sorted: `after` is the first one of every evidence file. */
const BEGINS = '{"after":[';

async function isEvidence(file: File): Promise<boolean> {
  if (SUFFIX.test(file.name)) return true;
  if (file.size > MAX_EVIDENCE_FILE_BYTES) return false;
  return (await file.slice(0, BEGINS.length).text()) === BEGINS;
}
