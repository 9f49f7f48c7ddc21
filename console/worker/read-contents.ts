import { portablePrimitives } from '../../adapters/crypto/portable-primitives.ts';
import { getRange } from '../../client/owner/get-range.ts';
import type { GotBlock } from '../../client/owner/judge-stored.ts';
import { readAnchor } from '../../client/read-anchor.ts';
import { KeyError, StateError } from '../../core/errors.ts';
import { type DatasetId, datasetId } from '../../core/ids.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { Contents, NamedContent, Questions, VerifyProgress } from '../engine/questions.ts';
import { SeriesReader } from '../engine/read-series.ts';
import type { Engine } from './open-engine.ts';
import type { ReaderKeys } from './reader-keys.ts';
import { progressOf } from './verify-blocks.ts';

/** What one look reads at most. */
const MAX_LOOK_BYTES = 64 * 2 ** 20;
const MAX_FILE_BYTES = 512 * 2 ** 20;
const MAX_TEXT_BYTES = 256 * 1024;
/** Told together, so that a block is not a message. */
const TOLD_TOGETHER = 64;

/**
 * Retrieves the blocks before `to`, verifies each whole, and says what is in them: files and topics with their times, numbers
 * to draw, and where something is damaged. Nothing damaged is read.
 */
export async function readContents(
  engine: Engine,
  keys: ReaderKeys,
  wanted: Questions['contents']['ask'],
  tell: (progress: VerifyProgress) => void,
  signal: AbortSignal,
): Promise<Contents> {
  requireOwner(keys);
  const dataset = datasetId(wanted.dataset);
  const rounds = engine.roundsOf(keys);
  const log = await readAnchor(engine.ledger, dataset, 'final', engine.file.fromBlock, signal, rounds);
  const to = Math.min(wanted.to ?? log.head.size - 1, log.head.size - 1);
  const from = Math.max(0, to - wanted.count + 1);
  const looked = new Look();
  const verdicts: Verdict[] = [];
  let checked = 0;
  const flush = (): void => {
    if (verdicts.length > 0) tell(progressOf(verdicts.splice(0), checked, to - from + 1));
  };
  for await (const got of blocksOf(engine, keys, dataset, { from, to }, signal)) {
    looked.take(got);
    checked += got.upTo - got.verdict.index + 1;
    verdicts.push(got.verdict);
    if (verdicts.length >= TOLD_TOGETHER) flush();
    if (looked.readBytes > MAX_LOOK_BYTES) break;
  }
  flush();
  return { ...looked.end(), from, to: from + checked - 1, size: log.head.size, isCut: checked < to - from + 1 };
}

/**
 * A file of verified blocks, whole.
 * @throws StateError where a block of it is damaged or gone: nothing is handed out then
 */
export async function readFileOf(
  engine: Engine,
  keys: ReaderKeys,
  wanted: Questions['file']['ask'],
  tell: (progress: Questions['file']['told']) => void,
  signal: AbortSignal,
): Promise<Questions['file']['answer']> {
  requireOwner(keys);
  const { name, from, to } = wanted;
  const parts: Uint8Array[] = [];
  const all = to - from + 1;
  let sizeBytes = 0;
  let type: string | null = null;
  for await (const got of blocksOf(engine, keys, datasetId(wanted.dataset), { from, to }, signal)) {
    const { index, verdict, reason } = got.verdict;
    tell({ done: index - from + 1, all });
    if (got.content === null || got.meta === null) {
      const about = got.about?.name ?? null;
      // A damaged block that is shown to be of another file does no harm to this one.
      if (about !== null && about !== name) continue;
      throw new StateError(`Block ${index} is ${verdict}: ${reason ?? ''} Incomplete files are not handed out.`);
    }
    if ((got.meta.name ?? '') !== name) continue;
    // A file that begins anew takes the place of what came before it.
    if ((got.meta.part ?? got.meta.from) === 0 && got.meta.parts !== 1 && parts.length > 0 && name !== '') {
      parts.length = 0;
      sizeBytes = 0;
    }
    type = got.meta.type ?? type;
    sizeBytes += got.content.length;
    if (sizeBytes > MAX_FILE_BYTES) {
      throw new StateError(
        `${name} has more than ${MAX_FILE_BYTES / 2 ** 20} MiB, more than a browser should hold. Use: plumb owner get`,
      );
    }
    parts.push(got.content);
  }
  return { bytes: joined(parts, sizeBytes), type };
}

function blocksOf(
  engine: Engine,
  keys: ReaderKeys,
  dataset: DatasetId,
  { from, to }: { readonly from: number; readonly to: number },
  signal: AbortSignal,
): AsyncGenerator<GotBlock> {
  const deps = {
    ...{ primitives: portablePrimitives, ledger: engine.ledger, rounds: engine.roundsOf(keys) },
    openSource: engine.sourceOf(keys, dataset),
  };
  const range = { dataset, datasetKeyOf: keys.datasetKeyOf(dataset), anchor: 'final' as const, by: 'block' as const };
  return getRange(deps, { ...range, from, to, fromBlock: engine.file.fromBlock }, undefined, signal);
}

function requireOwner({ reader }: ReaderKeys): void {
  if (reader.kind === 'owner') return;
  throw new KeyError(
    reader.kind === 'auditor'
      ? 'An auditor can verify but not read. Only the owner sees files and readings.'
      : 'Files and readings need the keys of the owner. Sign in with the keystore.',
  );
}

/** What the blocks of one look hold. */
class Look {
  readBytes = 0;
  readonly #named = new Map<string, { -readonly [field in keyof NamedContent]: NamedContent[field] }>();
  readonly #gaps: { fromMs: number; toMs: number; from: number; to: number }[] = [];
  readonly #series = new SeriesReader();
  #lastMs: number | null = null;
  /** A gap whose end the next intact block shows. */
  #open: { from: number; to: number; fromMs: number } | null = null;

  take({ verdict, upTo, meta, content, about }: GotBlock): void {
    const { index } = verdict;
    if (content === null || meta === null) {
      const fromMs = this.#lastMs ?? about?.at ?? 0;
      this.#open = { from: this.#open?.from ?? index, to: upTo, fromMs: this.#open?.fromMs ?? fromMs };
      this.#series.lose(about === null ? null : (about.name ?? ''));
      if (about !== null) this.#note(about.name ?? '', about.type ?? null, about.at, index, 0, true);
      return;
    }
    this.#closeGap(meta.at);
    this.#lastMs = meta.at;
    this.readBytes += content.length;
    this.#note(meta.name ?? '', meta.type ?? null, meta.at, index, content.length, false);
    if (content.length > MAX_TEXT_BYTES || !isText(content)) return;
    this.#series.take({
      name: meta.name ?? '',
      type: meta.type ?? null,
      atMs: meta.time ?? meta.at,
      text: new TextDecoder().decode(content),
      isBeginning: meta.name !== undefined && (meta.part ?? meta.from ?? 0) === 0,
    });
  }

  end(): Pick<Contents, 'named' | 'series' | 'gaps' | 'readBytes'> {
    this.#closeGap(null);
    const named = [...this.#named.values()].sort((a, b) => b.toMs - a.toMs || a.name.localeCompare(b.name));
    return { named, series: this.#series.end(), gaps: this.#gaps, readBytes: this.readBytes };
  }

  #closeGap(toMs: number | null): void {
    if (this.#open === null) return;
    const { from, to, fromMs } = this.#open;
    this.#gaps.push({ from, to, fromMs, toMs: toMs ?? this.#lastMs ?? fromMs });
    this.#open = null;
  }

  #note(name: string, type: string | null, atMs: number, index: number, bytes: number, isDamaged: boolean): void {
    const one = this.#named.get(name);
    if (one === undefined) {
      const ends = { fromMs: atMs, toMs: atMs, firstBlock: index, lastBlock: index };
      this.#named.set(name, { name, type, sizeBytes: bytes, ...ends, blocks: 1, damagedBlocks: isDamaged ? 1 : 0 });
      return;
    }
    one.type ??= type;
    one.sizeBytes += bytes;
    one.fromMs = Math.min(one.fromMs, atMs);
    one.toMs = Math.max(one.toMs, atMs);
    one.firstBlock = Math.min(one.firstBlock, index);
    one.lastBlock = Math.max(one.lastBlock, index);
    one.blocks += 1;
    if (isDamaged) one.damagedBlocks += 1;
  }
}

/** Whether bytes may be text: no control characters at their beginning but those of lines. */
function isText(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 512).every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);
}

function joined(parts: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
