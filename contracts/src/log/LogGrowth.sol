// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title How the Merkle tree of RFC 9162 (§2.1.1) grows
/// @dev The tree of n leaves is a row of perfect trees, one for each bit set in n, the largest first. Their roots, the
/// *peaks*, are all that is needed to compute the root: each of them, from the smallest to the largest, becomes the left
/// sibling of what has been bagged so far.
///
/// A log grows from n to m leaves by perfect trees, too. At each position p stands the largest one whose size, 2^k, divides p
/// and which does not pass m. So their sizes first rise: while the lowest bit set in p fits into what is left, it is the size,
/// and the tree merges with the peak of its size, then with the next, just as adding 2^k to p carries. Then they fall: what is
/// left is smaller than the lowest bit set in p (or p is zero), so the bits of what is left, the highest first, are the
/// sizes, nothing carries, and the trees become peaks as they are.
///
///     n = 6 = 4 + 2,  m = 13:      2 at 6 (merges with 2, then with 4 to 8),  4 at 8,  1 at 12;  13 = 8 + 4 + 1
///
/// All hashing is done in memory behind the free pointer, which is not moved: `01 ‖ left ‖ right` from 0x1f on, so that left
/// and right are words, then the stack of peaks, the smallest on top. With sizes below 2^64 there are never more than 64.
///
/// The SHA-256 precompile (0x02) fails only for want of gas. It is given 63/64 of what there is and needs less than 200, so
/// that after a failure 3 gas at most are left, and the call as a whole fails too: its success needs no check.
library LogGrowth {
    /// @notice How many bits are set in a number below 2^64: the number of peaks of a tree of so many leaves.
    function ones(uint256 number) internal pure returns (uint256 count) {
        unchecked {
            // In pairs, in fours, in eights, and the sum of the eights in the highest of eight bytes
            number -= (number >> 1) & 0x5555555555555555;
            number = (number & 0x3333333333333333) + ((number >> 2) & 0x3333333333333333);
            number = (number + (number >> 4)) & 0x0f0f0f0f0f0f0f0f;
            count = ((number * 0x0101010101010101) >> 56) & 0xff;
        }
    }

    /// @notice The root over peaks; zero when there are none.
    function bag(bytes32[] calldata peaks) internal view returns (bytes32 root) {
        assembly ("memory-safe") {
            if peaks.length {
                let left := add(mload(0x40), 0x20)
                let right := add(left, 0x20)
                let prefix := sub(left, 1)
                mstore8(prefix, 1)

                let at := add(peaks.offset, shl(5, sub(peaks.length, 1)))
                mstore(right, calldataload(at))
                for { } gt(at, peaks.offset) { } {
                    at := sub(at, 0x20)
                    mstore(left, calldataload(at))
                    pop(staticcall(gas(), 2, prefix, 65, right, 0x20))
                }
                root := mload(right)
            }
        }
    }

    /// @notice The root of a log of `size` leaves and these peaks after it has grown to `sizeAfter`, which must be larger.
    /// @param peaks As many as bits are set in `size`
    /// @param appended The roots of the trees by which it grows
    /// @return whole Whether there are as many of them as it takes. If not, the root means nothing
    /// @return root The root
    function grow(uint256 size, uint256 sizeAfter, bytes32[] calldata peaks, bytes32[] calldata appended)
        internal
        view
        returns (bool whole, bytes32 root)
    {
        assembly ("memory-safe") {
            let left := add(mload(0x40), 0x20)
            let right := add(left, 0x20)
            let prefix := sub(left, 1)
            let bottom := add(right, 0x20)
            mstore8(prefix, 1)

            // The stack, from its bottom: the peaks
            let top := shl(5, peaks.length)
            calldatacopy(bottom, peaks.offset, top)
            top := add(bottom, top)

            // Rising: `step` is the lowest bit set in `size`. (`step - 1 < rest` is false for a step of zero, too.) Beyond
            // what is appended stands other calldata, or zeros: whether there is enough of it is judged below
            let next := appended.offset
            let rest := sub(sizeAfter, size)
            let step := and(size, sub(0, size))
            for { } lt(sub(step, 1), rest) { } {
                mstore(right, calldataload(next))
                next := add(next, 0x20)
                rest := sub(rest, step)
                size := add(size, step)
                // Merge as the sum has carried, up to its lowest bit set
                let carried := and(size, sub(0, size))
                for { } lt(step, carried) { step := shl(1, step) } {
                    top := sub(top, 0x20)
                    mstore(left, mload(top))
                    pop(staticcall(gas(), 2, prefix, 65, right, 0x20))
                }
                mstore(top, mload(right))
                top := add(top, 0x20)
            }

            // Falling: one tree for each bit set in what is left, which is below 2^64
            rest := sub(rest, and(shr(1, rest), 0x5555555555555555))
            rest := add(and(rest, 0x3333333333333333), and(shr(2, rest), 0x3333333333333333))
            rest := and(add(rest, shr(4, rest)), 0x0f0f0f0f0f0f0f0f)
            let falling := shl(5, and(shr(56, mul(rest, 0x0101010101010101)), 0xff))

            whole := eq(add(next, falling), add(appended.offset, shl(5, appended.length)))
            if whole {
                calldatacopy(top, next, falling)
                top := add(top, sub(falling, 0x20))

                // Bag all of it
                mstore(right, mload(top))
                for { } gt(top, bottom) { } {
                    top := sub(top, 0x20)
                    mstore(left, mload(top))
                    pop(staticcall(gas(), 2, prefix, 65, right, 0x20))
                }
                root := mload(right)
            }
        }
    }
}
