import { fromHex, isZero } from '../../core/bytes.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import type { DatasetId, LogRoot, RoundRoot } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import { disscInterface } from './dissc-interface.ts';

/** Word by word, as the general decoder takes seconds for thousands: offset, length, then size and root of each. */
export function decodeHeads(datasets: readonly DatasetId[], result: string): Head[] {
  const word = (i: number): string => result.slice(2 + 64 * i, 66 + 64 * i);
  const number = (i: number): number => Number(`0x${word(i)}`);
  if (number(0) !== 32 || result.length !== 2 + 64 * (2 + 2 * number(1)))
    throw new Error("The node's answer does not contain heads.");
  if (number(1) !== datasets.length) {
    throw new LedgerUnavailableError('The node returned the wrong number of heads.');
  }
  return datasets.map((dataset, i) => ({
    dataset,
    size: number(2 + 2 * i),
    root: fromHex(word(3 + 2 * i), 'root', 32) as LogRoot,
  }));
}

/** Null before an anchorer's first round. */
export function decodeRound(result: string): RoundRoot | null {
  const [root] = disscInterface.decodeFunctionResult('round', result);
  const round = fromHex(root, 'round', 32) as RoundRoot;
  return isZero(round) ? null : round;
}
