import type { Directories, OpenFile } from '../../../core/ports/directories.ts';
import type { SourceParts } from '../source.ts';
import type { Awaited } from './await-rest.ts';
import { captureFile, countParts, NOTHING_CAPTURED } from './capture-file.ts';
import { isContentOf } from './compare-content.ts';
import type { Account } from './keep-account.ts';
import { type KnownFile, knownByInode, knownFile, noteIdentity } from './known-files.ts';
import { isNameable } from './meta-of-file.ts';
import { haveSameTimes, type SeenFile } from './seen-file.ts';

/** What a look at a directory shares with the files in it. */
export interface LookParts extends SourceParts {
  readonly directories: Directories;
  readonly directory: string;
  readonly awaited: Awaited;
  readonly account: Account;
  readonly blockBytes: number;
  readonly nextGrowingId: () => number;
}

/** Whether there is nothing more to do for a file until it changes, or it is still to be captured. */
export type Taken = 'done' | 'open';

// A file that keeps changing for this long, or three times as long as it must rest, is said to.
const RESTLESS_MS = 10_000;

/** Captures a file whole, once it has rested, unless its content is known. @throws what the system says of it */
export async function takeFile(look: LookParts, file: SeenFile, settleMs: number, signal: AbortSignal): Promise<Taken> {
  const { outbox, awaited, account, blockBytes } = look;
  const known = knownFile(outbox, file.path);
  if (known?.identity === file.identity && known.capturedParts === known.parts) return finish(look, file);
  if (file.sizeBytes === 0) return leaveEmpty(look, file);
  const partCount = countParts(file, blockBytes);
  if (!isNameable(file.path, partCount === 1 ? {} : { part: partCount - 1, parts: partCount }))
    return leave(look, file, 'Its name is too long for a block.');
  // What was partly captured had been complete.
  const begun = known?.identity === file.identity && known.partBytes === blockBytes ? known : null;
  if (begun === null && !awaited.hasRested(file)) {
    if (awaited.waitsMs(file.path) > Math.max(RESTLESS_MS, 3 * settleMs)) account.leaveOut(file.path, RESTLESS);
    return 'open';
  }
  return withOpen(look, file, async (opened) => {
    const same = begun === null ? await findSame(look, file, known, opened, signal) : null;
    if (same !== null) {
      noteIdentity(outbox, same.path, file);
      return finish(look, file);
    }
    const captured = begun === null ? NOTHING_CAPTURED : { parts: begun.capturedParts, hash: begun.contentHash };
    const whole = await captureFile(look, file, opened, { blockBytes, captured }, signal);
    return whole ? finish(look, file) : 'open';
  });
}

const RESTLESS =
  'It keeps changing. The device captures it once it stops changing (--settle), or in pieces with --follow.';

/** The known file whose content this is, byte for byte: the same one with another inode or right, or under a former name. */
async function findSame(
  { outbox, primitives, directories, directory }: LookParts,
  file: SeenFile,
  known: KnownFile | null,
  opened: OpenFile,
  signal: AbortSignal,
): Promise<KnownFile | null> {
  const isSame = (one: KnownFile) => isContentOf(primitives, one, opened, file.sizeBytes, signal);
  if (known !== null && haveSameTimes(known.identity, file.identity) && (await isSame(known))) return known;
  for (const one of knownByInode(outbox, file)) {
    if (one.path === file.path) continue;
    // Where it still has its former name, this is a second one, and is captured under it.
    const former = await directories.stateOf(`${directory}/${one.path}`);
    if (former?.inode !== file.inode && (await isSame(one))) return one;
  }
  return null;
}

/** Opens the very file that was seen. @throws what the system says */
export async function withOpen<T>(
  { directories, directory }: Pick<LookParts, 'directories' | 'directory'>,
  file: SeenFile,
  use: (opened: OpenFile) => Promise<T>,
): Promise<T | 'open'> {
  const opened = await directories.open(`${directory}/${file.path}`);
  try {
    const { kind, inode } = await opened.state();
    return kind === 'file' && inode === file.inode ? await use(opened) : 'open';
  } finally {
    await opened.close();
  }
}

export function finish({ awaited, account }: LookParts, { path }: SeenFile): 'done' {
  awaited.end(path);
  account.settle(path);
  return 'done';
}

/** Programs make a file before they write to it. */
export function leaveEmpty(look: LookParts, file: SeenFile): Taken {
  if (!look.awaited.hasRested(file)) return 'open';
  return leave(look, file, 'It is empty, but a block holds at least one byte.');
}

export function leave({ awaited, account }: LookParts, { path }: SeenFile, reason: string): 'done' {
  awaited.end(path);
  account.leaveOut(path, reason);
  return 'done';
}
