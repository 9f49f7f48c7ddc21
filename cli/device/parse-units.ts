import { InvalidArgumentError } from 'commander';

const MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** A duration such as 500ms, 10s, 5m, 1h or 2d, in milliseconds. */
export function parseDuration(text: string): number {
  const match = /^([0-9]{1,9})(ms|s|m|h|d)$/.exec(text);
  const value = Number(match?.[1]) * (MS[match?.[2] ?? ''] ?? Number.NaN);
  if (!(value > 0)) throw new InvalidArgumentError(`${text} is not a duration such as 500ms, 10s, 5m, 1h or 2d.`);
  return value;
}

/** A size such as 4096B, 64KiB, 16MiB or 4GiB, in bytes. */
export function parseSize(text: string): number {
  const match = /^([0-9]{1,9})(B|KiB|MiB|GiB|TiB)$/.exec(text);
  const value = Number(match?.[1]) * (BYTES[match?.[2] ?? ''] ?? Number.NaN);
  if (!(value > 0) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError(`${text} is not a size such as 4096B, 64KiB, 16MiB or 4GiB.`);
  }
  return value;
}

/** Bytes for people. */
export function showBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
