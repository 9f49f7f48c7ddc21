import { Readable } from 'node:stream';
import type { SeededRandom } from '../time/seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';

/** The program that writes lines to a device, from where the device has kept them on. */
export interface LineWriter {
  /** All that it ever writes. */
  readonly text: Buffer;
  /** Standard input of a device that has kept so many bytes: the rest, each line when its time has come. */
  connect(fromByte: number, isAlive: () => boolean): Readable;
}

interface Line {
  readonly atMs: number;
  readonly from: number;
  readonly to: number;
}

/** @param lastMs from the beginning of the time at which it begins: when the last line is written */
export function createLineWriter(
  time: VirtualTime,
  random: SeededRandom,
  { lines, lastMs }: { readonly lines: number; readonly lastMs: number },
): LineWriter {
  const beginMs = time.nowMs();
  const times = Array.from({ length: lines }, () => random.between(0, lastMs)).sort((a, b) => a - b);
  const texts = times.map((_, number) => `${number} ${'reading '.repeat(random.between(0, 30))}\n`);
  const text = Buffer.from(texts.join(''));
  let at = 0;
  const all: Line[] = texts.map((line, number) => {
    const from = at;
    at += line.length;
    return { atMs: beginMs + (times[number] as number), from, to: at };
  });
  return {
    text,
    connect(fromByte, isAlive) {
      const stream = new Readable({ read() {} });
      const rest = all.filter(({ to }) => to > fromByte);
      for (const { atMs, from, to } of rest) {
        time.after(atMs - time.nowMs(), () => {
          if (isAlive() && !stream.destroyed) stream.push(text.subarray(Math.max(from, fromByte), to));
        });
      }
      return stream;
    },
  };
}
