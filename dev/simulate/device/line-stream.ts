import { Readable } from 'node:stream';
import { readLines } from '../../../device/sources/read-lines.ts';
import type { SeededRandom } from '../time/seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import { gapOf, type Restored, type Writing } from './writing.ts';

/** A program that writes lines to a device, from where the device has kept them on. */
export interface LineWriting extends Writing {
  /** All that it ever writes. */
  readonly text: Buffer;
}

interface Line {
  readonly atMs: number;
  readonly from: number;
  readonly to: number;
}

const BLOCK_BYTES = 700;

/**
 * @param lastMs of the virtual time: when the last line is written, but for those at `lateMs`
 * @param before what the outbox holds already of another program's lines, where it is a copy
 */
export function createLineWriter(
  time: VirtualTime,
  random: SeededRandom,
  options: {
    readonly lines: number;
    readonly lastMs: number;
    readonly lateMs?: readonly number[];
    readonly name?: string;
    readonly before?: Buffer;
  },
): LineWriting {
  const { lines, lastMs, lateMs = [], name = '', before = Buffer.alloc(0) } = options;
  const beginMs = time.nowMs();
  const drawn = Array.from({ length: lines }, () => random.between(beginMs, Math.max(beginMs, lastMs)));
  const times = [...drawn, ...lateMs].sort((a, b) => a - b);
  const texts = times.map((_, number) => `${name}${number} ${'reading '.repeat(random.between(0, 30))}\n`);
  const text = Buffer.concat([before, Buffer.from(texts.join(''))]);
  let at = before.length;
  const all: Line[] = texts.map((line, number) => {
    const from = at;
    at += line.length;
    return { atMs: times[number] as number, from, to: at };
  });
  return {
    text,
    connect({ streamBytes }, isAlive) {
      const stream = new Readable({ read() {} });
      const rest = all.filter(({ to }) => to > streamBytes);
      for (const { atMs, from, to } of rest) {
        time.after(atMs - time.nowMs(), () => {
          if (isAlive() && !stream.destroyed) stream.push(text.subarray(Math.max(from, streamBytes), to));
        });
      }
      return readLines(stream, 'stdin', BLOCK_BYTES);
    },
    isAllKept: ({ streamBytes }) => streamBytes >= text.length,
    faultsOf: (blocks, isWhole) => faultsOfStream(text, blocks, isWhole),
  };
}

/** The stream byte for byte, each once; where bytes are missing a note says how many. */
function faultsOfStream(text: Buffer, blocks: readonly Restored[], isWhole: boolean): string[] {
  let at = 0;
  for (const [index, block] of blocks.entries()) {
    const gap = gapOf(block);
    if (gap !== null) {
      at += gap.droppedBytes;
      continue;
    }
    if (!text.subarray(at, at + block.content.length).equals(block.content))
      return [
        `block ${index} is not what was written at byte ${at}: ${Buffer.from(block.content).toString().slice(0, 40)}`,
      ];
    at += block.content.length;
  }
  return isWhole && at !== text.length
    ? [`${at} bytes were restored or noted as missing, of ${text.length} written`]
    : [];
}

/** The lines of two devices under one key: each line of both, those from before the copy at most twice. */
export function faultsOfBoth(
  original: LineWriting,
  clone: LineWriting,
  commonBytes: number,
  blocks: readonly Restored[],
): string[] {
  const wanted = new Map<string, 1 | 2>();
  const linesOf = (bytes: Buffer): string[] => bytes.toString().split('\n').slice(0, -1);
  for (const line of linesOf(original.text)) wanted.set(line, 1);
  for (const line of linesOf(clone.text)) wanted.set(line, 1);
  for (const line of linesOf(original.text.subarray(0, commonBytes))) wanted.set(line, 2);
  const found = Map.groupBy(blocks, ({ content }) => Buffer.from(content).toString().replace(/\n$/, ''));
  const missing = [...wanted.keys()].filter((line) => !found.has(line));
  const twice = [...found].filter(([line, { length }]) => length > (wanted.get(line) ?? 0)).map(([line]) => line);
  return [
    ...missing.map((line) => `a line of two devices is missing: ${line.slice(0, 40)}`),
    ...twice.map((line) => `a line of two devices is there too often: ${line.slice(0, 40)}`),
  ];
}
