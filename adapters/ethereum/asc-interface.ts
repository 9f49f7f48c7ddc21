import { Interface, type Result } from 'ethers';
import { fromHex, to0x } from '../../core/bytes.ts';
import { address, datasetId } from '../../core/ids.ts';
import type { GrantId, GrantTerms } from '../../core/ports/grants.ts';
import { ascAbi } from './abi/asc.ts';

/** ASC's ABI, parsed once. */
export const ascInterface = new Interface(ascAbi);

/** Bits of `kinds`. */
const DIGESTS = 1;
const BLOCKS = 2;

/** `IASC.Terms`. */
export function encodeTerms(terms: GrantTerms): object {
  return {
    dataset: terms.dataset,
    css: terms.css,
    perRecord: terms.perRecordWei,
    first: terms.first,
    count: terms.count,
    kinds: (terms.digests ? DIGESTS : 0) + (terms.blocks ? BLOCKS : 0),
    maxBlocks: terms.maxBlocks,
    window: terms.windowSeconds,
    interval: terms.intervalSeconds,
    until: terms.untilSeconds,
  };
}

/** Null for terms whose numbers do not fit a safe integer: anybody may have written them. */
export function decodeTerms(terms: Result): GrantTerms | null {
  const [first, count] = [Number(terms.first), Number(terms.count)];
  const untilSeconds = Number(terms.until);
  if (!Number.isSafeInteger(first + count) || !Number.isSafeInteger(untilSeconds)) return null;
  const kinds = Number(terms.kinds);
  return {
    dataset: datasetId(terms.dataset),
    css: address(terms.css),
    perRecordWei: BigInt(terms.perRecord),
    first,
    count,
    digests: (kinds & DIGESTS) !== 0,
    blocks: (kinds & BLOCKS) !== 0,
    maxBlocks: Number(terms.maxBlocks),
    windowSeconds: Number(terms.window),
    intervalSeconds: Number(terms.interval),
    untilSeconds,
  };
}

export function decodeGrantId(hex: string): GrantId {
  return to0x(fromHex(hex, 'grant id', 32)) as GrantId;
}
