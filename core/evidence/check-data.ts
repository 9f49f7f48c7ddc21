import { encryptContent } from '../block/content-cipher.ts';
import { concatBytes } from '../bytes.ts';
import { ENCRYPTED } from '../charter/kind.ts';
import { PlumblineError } from '../errors.ts';
import type { BlockIndex } from '../ids.ts';
import { GCM_TAG_BYTES } from '../limits.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { EvidenceBlock, EvidenceFile } from './evidence.ts';
import type { EvidenceFinding } from './verify-evidence.ts';
import { requireStored } from './verify-evidence.ts';

/** Blocks whose bytes, one behind the other, a file may be. */
export interface DataCandidate {
  readonly blocks: readonly EvidenceBlock[];
  /** As storage keeps them, or the content, which is encrypted again to compare it. */
  readonly as: 'stored' | 'content';
  readonly sizeBytes: number;
}

/** One block of a file that is not as recorded. */
export interface DifferingBlock {
  readonly index: BlockIndex;
  /** Of its first byte in the file. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/** What a file is, by its bytes. */
export type DataFinding =
  | {
      readonly is: 'intact';
      readonly as: DataCandidate['as'];
      readonly blocks: readonly BlockIndex[];
      readonly differing: readonly [];
    }
  | {
      readonly is: 'different';
      readonly as: DataCandidate['as'];
      readonly blocks: readonly BlockIndex[];
      readonly differing: readonly DifferingBlock[];
    }
  /** Nothing that the evidence proves has as many bytes; `sizes` are those it could have. */
  | { readonly is: 'unknown'; readonly sizes: readonly number[]; readonly needsKeys: boolean };

/** The bytes of a file from its beginning, in pieces of any size; called once for each candidate. */
export type ReadData = () => AsyncIterable<Uint8Array>;

/** Candidates of one size are compared one after the other: as many as these many bytes allow, or a few. */
const MAX_COMPARED_BYTES = 2 ** 30;
const LEAST_CANDIDATES = 16;

/**
 * Compares a file with what evidence proves: a single block, a file cut into blocks, all blocks without a name, or all of them,
 * as stored or as content. Memory holds one block, whatever the file has.
 * @example
 * const data = await checkData(primitives, evidence, finding, file.size, () => file.stream());
 */
export async function checkData(
  primitives: Primitives,
  evidence: EvidenceFile,
  finding: EvidenceFinding,
  sizeBytes: number,
  read: ReadData,
): Promise<DataFinding> {
  const all = candidates(evidence, finding);
  const most = Math.max(LEAST_CANDIDATES, Math.floor(MAX_COMPARED_BYTES / Math.max(1, sizeBytes)));
  const fitting = all.filter((one) => one.sizeBytes === sizeBytes).slice(0, most);
  let closest: { readonly candidate: DataCandidate; readonly differing: DifferingBlock[] } | null = null;
  for (const candidate of fitting) {
    const differing = await compare(primitives, evidence, candidate, read);
    const { as, blocks } = candidate;
    if (differing.length === 0) return { is: 'intact', as, blocks: blocks.map(({ index }) => index), differing: [] };
    if (closest === null || differing.length < closest.differing.length) closest = { candidate, differing };
  }
  if (closest !== null) {
    const { candidate, differing } = closest;
    return { is: 'different', as: candidate.as, blocks: candidate.blocks.map(({ index }) => index), differing };
  }
  const sizes = [...new Set(all.map((one) => one.sizeBytes))].sort((a, b) => a - b);
  const proven = new Set(finding.blocks);
  const needsKeys =
    finding.kind === ENCRYPTED &&
    evidence.blocks.some(({ index, contentKey }) => proven.has(index) && contentKey === null);
  return { is: 'unknown', sizes, needsKeys };
}

function candidates(evidence: EvidenceFile, finding: EvidenceFinding): DataCandidate[] {
  const proven = new Set(finding.blocks);
  const blocks = evidence.blocks.filter(({ index }) => proven.has(index));
  const groups = [...filesOf(blocks, finding), blocks, ...blocks.map((block) => [block])].filter(
    ({ length }) => length > 0,
  );
  const found: DataCandidate[] = [];
  for (const group of groups) {
    const storedBytes = group.reduce((sum, { opening }) => sum + opening.size, 0);
    if (finding.kind !== ENCRYPTED) {
      found.push({ blocks: group, as: 'content', sizeBytes: storedBytes });
      continue;
    }
    found.push({ blocks: group, as: 'stored', sizeBytes: storedBytes });
    if (group.some(({ contentKey }) => contentKey === null)) continue;
    found.push({ blocks: group, as: 'content', sizeBytes: storedBytes - GCM_TAG_BYTES * group.length });
  }
  return found;
}

/** Blocks by the file that they are of: each version whole, a growing file with its pieces, and the stream without a name. */
function filesOf(blocks: readonly EvidenceBlock[], { metas }: EvidenceFinding): EvidenceBlock[][] {
  const metaOf = new Map(metas.map(({ index, meta }) => [index, meta]));
  const files: EvidenceBlock[][] = [];
  const open = new Map<string, EvidenceBlock[]>();
  for (const block of blocks) {
    const meta = metaOf.get(block.index);
    if (meta === undefined) continue;
    const name = meta.name ?? '';
    const isNew = name !== '' && (meta.part ?? meta.from ?? 0) === 0;
    const file = isNew ? undefined : open.get(name);
    if (file !== undefined) {
      file.push(block);
      continue;
    }
    const begun = [block];
    files.push(begun);
    open.set(name, begun);
  }
  return files;
}

async function compare(
  primitives: Primitives,
  evidence: EvidenceFile,
  { blocks, as }: DataCandidate,
  read: ReadData,
): Promise<DifferingBlock[]> {
  const differing: DifferingBlock[] = [];
  const pieces = cut(
    read(),
    blocks.map(
      ({ opening, contentKey }) => opening.size - (as === 'content' && contentKey !== null ? GCM_TAG_BYTES : 0),
    ),
  );
  let offset = 0;
  let number = 0;
  // What comes behind the last block, of a file that has grown meanwhile, is no block's.
  for await (const piece of pieces) {
    const block = blocks[number++] ?? (blocks.at(-1) as EvidenceBlock);
    if (!isRecorded(primitives, evidence, block, as, piece))
      differing.push({ index: block.index, offset, sizeBytes: piece.length });
    offset += piece.length;
  }
  // The file has become shorter since its size was read.
  for (const block of blocks.slice(number)) differing.push({ index: block.index, offset, sizeBytes: 0 });
  return differing;
}

function isRecorded(
  primitives: Primitives,
  { dataset }: EvidenceFile,
  { index, opening, contentKey }: EvidenceBlock,
  as: DataCandidate['as'],
  piece: Uint8Array,
): boolean {
  try {
    const isContent = as === 'content' && contentKey !== null;
    const stored = isContent ? encryptContent(primitives, contentKey, { dataset, index }, piece) : piece;
    requireStored(primitives, index, opening, stored);
    return true;
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    return false;
  }
}

/** The bytes in pieces of these sizes; what comes behind the last one makes it longer than it may be. */
async function* cut(bytes: AsyncIterable<Uint8Array>, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let next = 0;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (let chunk of bytes) {
    while (chunk.length > 0) {
      const wanted = sizes[next];
      if (wanted === undefined) {
        yield chunk;
        return;
      }
      const part = chunk.subarray(0, wanted - heldBytes);
      held.push(part);
      heldBytes += part.length;
      chunk = chunk.subarray(part.length);
      if (heldBytes < wanted) continue;
      yield concatBytes(...held);
      [held, heldBytes, next] = [[], 0, next + 1];
    }
  }
}
