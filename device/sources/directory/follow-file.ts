import type { OpenFile } from '../../../core/ports/directories.ts';
import { captureGrowth, isContinued } from './capture-growth.ts';
import { type GrowingFile, growingAt, growingByInode, putGrowing } from './growing-files.ts';
import { hashContent } from './hash-content.ts';
import { knownFile } from './known-files.ts';
import { isNameable } from './meta-of-file.ts';
import { findOriginal } from './recognise-copy.ts';
import type { SeenFile } from './seen-file.ts';
import { finish, type LookParts, leave, leaveEmpty, type Taken, withOpen } from './take-file.ts';

/**
 * Captures what a growing file has more than was captured of it, in whole lines; a last line without its end waits until
 * the file rests. It is known again where it is renamed, and by its content where it is copied and truncated, so that each
 * byte is captured once. Where it does not go on from what was captured, it has begun anew.
 * @throws what the system says of it
 */
export async function followFile(look: LookParts, file: SeenFile, signal: AbortSignal): Promise<Taken> {
  const { outbox } = look;
  const here = growingAt(outbox, file.path);
  if (here?.seen === file.identity && here.position === file.sizeBytes) return finish(look, file);
  if (!isNameable(file.path, { from: Number.MAX_SAFE_INTEGER }))
    return leave(look, file, 'Its name is too long for a block.');
  if (file.sizeBytes === 0 && here === null) return leaveEmpty(look, file);
  return withOpen(look, file, async (opened) => {
    const found = await find(look, file, here, opened, signal);
    if (found === 'wait') return 'open';
    if (found === 'second')
      return leave(look, file, 'It is a second name of a file that the device captures under its first name.');
    const isCaptured = await captureGrowth(look, file, found, opened, signal);
    return isCaptured ? finish(look, file) : 'open';
  });
}

/**
 * What is known of a file, where it is now; a new one when nothing is. `wait` while that cannot be told; `second` when the
 * same file is there under its former name, too.
 */
async function find(
  look: LookParts,
  file: SeenFile,
  here: GrowingFile | null,
  opened: OpenFile,
  signal: AbortSignal,
): Promise<GrowingFile | 'wait' | 'second'> {
  const { outbox, primitives, runtime, nextGrowingId } = look;
  const inode = String(file.inode);
  const place = { path: file.path, inode };
  const known = [...growingByInode(outbox, inode), ...(here === null ? [] : [here])];
  for (const one of known) {
    if (!(await isContinued(primitives, one, file, opened))) continue;
    if (one.path === file.path) return { ...one, ...place };
    const former = one.path === null ? null : await look.directories.stateOf(`${look.directory}/${one.path}`);
    if (former?.inode === file.inode) return 'second';
    const moved = { ...one, ...place };
    outbox.commit(() => putGrowing(outbox, moved, runtime.nowMs()));
    return moved;
  }
  const original = here === null ? await findOriginal(look, file, opened) : null;
  if (original === 'wait') return 'wait';
  const begun = { id: nextGrowingId(), ...place, seen: '' };
  if (original !== null) return { ...original, ...begun };
  const captured = here === null ? await capturedWhole(look, file, opened, signal) : 0;
  return { ...begun, name: file.path, position: captured, headBytes: 0, head: EMPTY, tailBytes: 0, tail: EMPTY };
}

const EMPTY = new Uint8Array(0);

/** How much of it was captured before it was followed, whole, and stands at its beginning still. */
async function capturedWhole(
  { outbox, primitives }: LookParts,
  file: SeenFile,
  opened: OpenFile,
  signal: AbortSignal,
): Promise<number> {
  const known = knownFile(outbox, file.path);
  const sizeBytes = Number(known?.identity.split('/')[1]);
  if (known === null || known.capturedParts !== known.parts || !(sizeBytes <= file.sizeBytes)) return 0;
  const hash = await hashContent(primitives, opened, sizeBytes, known.partBytes, signal);
  return hash !== null && Buffer.from(hash).equals(known.contentHash) ? sizeBytes : 0;
}
