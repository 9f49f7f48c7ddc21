import { sep } from 'node:path';

/** Blocks without a name, in order, are one file of this name. */
export const LINES = 'lines';
/** What a restoration writes of itself into the folder. */
export const REQUEST_FILE = 'plumb-get.json';
export const INDEX_FILE = 'plumb-index.jsonl';
export const INDEX_TEXT_FILE = 'plumb-index.txt';
/** The index of a run that goes on after another, until it takes the other's place. */
export const NEXT_INDEX_FILE = `${INDEX_FILE}.new`;
/** Files that are not whole yet wait in a folder that begins so. */
export const STAGING = '.plumb-parts-';

// Most file systems take 255 bytes a name; a number and an ending may come behind it.
const MAX_STEP_BYTES = 240;

/**
 * A path below the folder, whatever the name says: it was written by a device, not by this machine's user. Two names may
 * lead to one path; whoever writes there tells them apart.
 */
export function safePath(name: string): string {
  const steps = name.split(/[/\\]/).map((step) => cutToBytes(step.replace(/\p{Cc}/gu, '_'), MAX_STEP_BYTES));
  const clean = steps.filter((step) => step !== '' && step !== '.' && step !== '..');
  const [first] = clean;
  return first === undefined || isOurs(first) ? ['file', ...clean].join(sep) : clean.join(sep);
}

function isOurs(step: string): boolean {
  return step === LINES || /^plumb-(get|index)\./.test(step) || step.startsWith(STAGING);
}

function cutToBytes(text: string, most: number): string {
  const characters = [...text];
  while (Buffer.byteLength(characters.join('')) > most) characters.pop();
  return characters.join('');
}
