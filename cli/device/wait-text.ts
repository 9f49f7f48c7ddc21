import type { LossKind } from '../../device/outbox/losses.ts';
import type { AwaitedThing, Turn, Wait } from '../../device/outbox/read-waits.ts';

const WHAT: Readonly<Record<AwaitedThing, string>> = {
  disk: 'The outbox cannot be written',
  sealing: 'blocks are captured and not sealed',
  upload: 'blocks are sealed and not uploaded',
  'check-in': 'blocks are uploaded, and the service has not confirmed them',
  record: 'blocks are stored, and not recorded on the chain',
  finality: 'blocks are recorded, and the chain has not made that final',
  proof: 'blocks are final, and the storage has not proven that it has them',
  publication: 'batches are final, and their digests are not published',
};

const WHOSE: Readonly<Record<Turn, string>> = {
  device: 'The device goes on by itself; it must run.',
  operator: 'Look at this machine.',
  owner: 'The owner has to act.',
  service: "Ask the service's operator.",
  chain: 'Look at the chain and its node.',
};

/** What waits, a line each; that all is done where nothing does. */
export function waitsText(waits: readonly Wait[], nowMs: number): string[] {
  if (waits.length === 0) return ['All of it is stored, recorded, final and checked.'];
  return waits.map((wait) => waitText(wait, nowMs));
}

/** One thing that waits: what, since when, why, and whose turn it is where that is too long. */
export function waitText(wait: Omit<Wait, 'overdue'> & { readonly overdue?: boolean }, nowMs: number): string {
  const { blocks, sinceMs, reason, turn, overdue = true } = wait;
  const what = wait.for === 'disk' ? WHAT.disk : `${blocks.toLocaleString('en')} ${WHAT[wait.for]}`;
  const why = reason === null ? '' : ` ${reason}`;
  return `${what}, for ${showAge(nowMs - sinceMs)}.${why}${overdue ? ` That is too long. ${WHOSE[turn]}` : ''}`;
}

/** How captured blocks were lost, and when that was seen. */
export function describeLoss(kind: LossKind, atMs: number, nowMs: number): string {
  return kind === 'damaged'
    ? `damaged on this disk (seen ${showAge(nowMs - atMs)} ago); a note stands in the log. The disk may be dying.`
    : 'acknowledged and not in the outbox when it was opened; a note comes into the log.';
}

export function shortenedText(blocks: number): string {
  const lacks = blocks === 0 ? 'the last changes of state' : `${blocks.toLocaleString('en')} captured blocks`;
  return `The outbox lacks ${lacks} that it had answered for: its log (-wal) was cut, damaged or lost, or an older copy was put back.`;
}

export function secondWriterText({ from, blocks }: { readonly from: number; readonly blocks: number }): string {
  return (
    `Another device writes with the key of this one: ${blocks.toLocaleString('en')} blocks from block ${from} on are not from here. ` +
    'Nothing is lost. Stop one of the two and give it a key of its own: plumb device replace NAME. ' +
    'If there is no other device, this outbox was put back from a copy: then this is not said again.'
  );
}

export function showAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}
