import { concatBytes, u8, u64 } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import { bytes32, type LogRoot, type MapRoot, type RoundBody, type RoundRoot } from '../ids.ts';
import type { Primitives } from '../ports/primitives.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/** What a round is made of, map aside. */
export interface RoundFront {
  /** From 1, by anchorer. */
  readonly number: number;
  /** Of its chain block, seconds since 1970. */
  readonly timeSeconds: number;
  /** The round before, 32 zero bytes for the first. */
  readonly previous: RoundRoot;
  /** MTH(rounds 1 … number - 1), 32 zero bytes for the first. */
  readonly history: LogRoot;
}

/** What stands for the round before an anchorer's first. */
export const NO_ROUND = new Uint8Array(32) as RoundRoot;

/** body = H(06 ‖ u64 number ‖ history ‖ map). @throws ArgumentError unless number is at least 1 */
export function roundBody(hasher: Hasher, number: number, history: LogRoot, map: MapRoot): RoundBody {
  if (!(number >= 1)) throw new ArgumentError(`Rounds are numbered from 1; there is no round ${number}.`);
  return hasher.sha256(
    concatBytes(u8(0x06), u64(number), bytes32(history, 'history'), bytes32(map, 'map')),
  ) as RoundBody;
}

/**
 * round = H(05 ‖ u64 time ‖ previous32 ‖ body): what DISSC computes and keeps.
 * @throws ArgumentError unless each hash has 32 bytes
 */
export function roundRoot(hasher: Hasher, timeSeconds: number, previous: RoundRoot, body: RoundBody): RoundRoot {
  return hasher.sha256(
    concatBytes(u8(0x05), u64(timeSeconds), bytes32(previous, 'previous round'), bytes32(body, 'body')),
  ) as RoundRoot;
}
