/** Mutants of what is written in assembly, as text: each is compiled by itself. */

export interface TextMutant {
  readonly name: string;
  readonly file: string;
  /** Stands in the file once. */
  readonly from: string;
  readonly to: string;
  readonly tests: string;
}

const GROWTH = 'log/LogGrowth.sol';
const CALLDATA = 'log/UpdateCalldata.sol';
const SIGNATURES = 'identity/DisscSignatures.sol';
const DISSC_TESTS = 'test/DISSC/*';

export const TEXT_MUTANTS: readonly TextMutant[] = [
  [GROWTH, 'lt(sub(step, 1), rest)', 'lt(step, rest)'],
  [GROWTH, 'lt(step, carried)', 'lt(shl(1, step), carried)'],
  [GROWTH, 'whole := eq(add(next, falling), add(appended.offset, shl(5, appended.length)))', 'whole := 1'],
  [GROWTH, 'whole := eq(add(next, falling)', 'whole := lt(add(next, falling)'],
  [GROWTH, 'let falling := shl(5, and(shr(56', 'let falling := shl(5, and(shr(16'],
  [GROWTH, 'rest := sub(rest, step)', 'rest := sub(rest, 1)'],
  [GROWTH, 'size := add(size, step)', 'size := add(size, shl(1, step))'],
  [GROWTH, 'count = ((number * 0x0101010101010101) >> 56) & 0xff', 'count = (number * 0x0101010101010101) >> 56'],
  [GROWTH, 'if peaks.length {', 'if 1 {'],
  [CALLDATA, 'gt(add(base, 0xc0), calldatasize())', 'gt(add(base, 0xa0), calldatasize())'],
  [CALLDATA, 'or(shr(64, position), gt(add(base, 0xc0), calldatasize()))', 'gt(add(base, 0xc0), calldatasize())'],
  [CALLDATA, 'or(shr(64, or(offset, length)), gt(', 'or(0, gt('],
  [CALLDATA, 'shr(64, or(offset, length))', 'shr(64, offset)'],
  [CALLDATA, 'shr(64, or(offset, length))', 'shr(64, length)'],
  [CALLDATA, 'gt(add(start, shl(shift, length)), calldatasize())', '0'],
  [CALLDATA, 'gt(add(start, shl(shift, length)), calldatasize())', 'gt(add(start, length), calldatasize())'],
  [CALLDATA, 'mul(calldataload(base), iszero(outside))', 'calldataload(base)'],
  [CALLDATA, 'whole := iszero(or(outside, part))', 'whole := iszero(outside)'],
  [CALLDATA, 'whole := iszero(or(outside, part))', 'whole := iszero(part)'],
  [SIGNATURES, '(v == 27 || v == 28) && uint256(s) <= MAX_S', 'uint256(s) <= MAX_S'],
  [SIGNATURES, '(v == 27 || v == 28) && uint256(s) <= MAX_S', '(v == 27 || v == 28)'],
  [SIGNATURES, '(v == 27 || v == 28) && uint256(s) <= MAX_S', '(v == 27 || v == 28) && uint256(s) < MAX_S'],
  [SIGNATURES, 'mstore(add(free, 0x60), chainid())', 'mstore(add(free, 0x60), 1)'],
  [SIGNATURES, 'mstore(add(free, 0x80), address())', 'mstore(add(free, 0x80), 1)'],
].map(([file, from, to]) => ({
  name: `${file}: ${to} in place of ${from}`,
  file: file!,
  from: from!,
  to: to!,
  tests: DISSC_TESTS,
}));
