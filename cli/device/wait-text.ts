import { counted } from '../../core/counted.ts';
import type { LossKind } from '../../device/outbox/losses.ts';
import type { AwaitedThing, Turn, Wait } from '../../device/outbox/read-waits.ts';

/** What is said of those that wait, behind `1 block is` or `2 blocks are`. */
const WHAT: Readonly<Record<Exclude<AwaitedThing, 'disk'>, string>> = {
  sealing: 'captured but not sealed',
  upload: 'sealed but not uploaded',
  'check-in': 'uploaded but not confirmed by the service',
  record: 'stored but not recorded on the chain',
  finality: 'recorded, but not yet in a final block of the chain',
  proof: 'final, but the storage has not proven possession',
  publication: 'final, but not yet published on the chain',
};

const WHOSE: Readonly<Record<Turn, string>> = {
  device: 'The device continues by itself; keep it running.',
  operator: 'Check this machine.',
  owner: 'The owner has to act.',
  service: "Ask the service's operator.",
  chain: 'Check the chain and its node.',
};

/** What waits, a line each; that all is done where nothing does. */
export function waitsText(waits: readonly Wait[], nowMs: number): string[] {
  if (waits.length === 0) return ['Everything is stored, recorded, final and checked.'];
  return waits.map((wait) => waitText(wait, nowMs));
}

/** One thing that waits: what, since when, why, and whose turn it is where that is too long. */
export function waitText(wait: Omit<Wait, 'overdue'> & { readonly overdue?: boolean }, nowMs: number): string {
  const { blocks, sinceMs, reason, turn, overdue = true } = wait;
  const noun = wait.for === 'publication' ? 'batch' : 'block';
  const verb = blocks === 1 ? 'is' : 'are';
  const what =
    wait.for === 'disk' ? 'The outbox cannot be written' : `${counted(blocks, noun)} ${verb} ${WHAT[wait.for]}`;
  const why = reason === null ? '' : ` ${reason}`;
  return `${what}, for ${showAge(nowMs - sinceMs)}.${why}${overdue ? ` That is too long. ${WHOSE[turn]}` : ''}`;
}

/** How captured blocks were lost, and when that was seen. */
export function describeLoss(kind: LossKind, atMs: number, nowMs: number): string {
  return kind === 'damaged'
    ? `damaged on this disk (seen ${showAge(nowMs - atMs)} ago), and a note in the log says so. The disk may be failing.`
    : 'acknowledged, but missing from the outbox when it was opened. A note in the log will say so.';
}

export function shortenedText(blocks: number): string {
  const lacks = blocks === 0 ? 'the last changes of state' : counted(blocks, 'captured block');
  return `The outbox lacks ${lacks} that it had acknowledged. Its log (-wal) was cut, damaged or lost, or someone put back an older copy.`;
}

export function secondWriterText({ from, blocks }: { readonly from: number; readonly blocks: number }): string {
  return (
    `Another device writes with the key of this one: ${counted(blocks, 'block')} from block ${from} on do not come from here. ` +
    'Nothing is lost. Stop one of the two devices and give it its own key: plumb device replace NAME. ' +
    'If there is no other device, someone put this outbox back from a copy; then this message does not come again.'
  );
}

export function showAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}
