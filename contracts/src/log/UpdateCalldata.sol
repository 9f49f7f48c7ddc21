// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../interfaces/IDISSC.sol";

/// @title Reads one update out of the calldata without ever reverting
/// @dev Solidity's own accessors revert when an offset points outside the calldata, and one such update would then take the
/// whole call with it. These say so instead. As Solidity does, they ask neither for one order of the parts nor for padding.
library UpdateCalldata {
    /// @notice The update number `i`, which must be less than `updates.length`. `whole` says whether all of it lies within
    /// the calldata: if not, all but `dataset` mean nothing, and that is zero when even the update's fixed part lies outside.
    /// `size` is as it stands there, any 256 bits.
    function read(IDISSC.Update[] calldata updates, uint256 i)
        internal
        pure
        returns (
            bool whole,
            bytes32 dataset,
            uint256 size,
            bytes32 root,
            bytes calldata signature,
            bytes32[] calldata peaks,
            bytes32[] calldata appended
        )
    {
        assembly ("memory-safe") {
            // The list whose offset, relative to `base`, stands at `base + word`, of items of 2^shift bytes. A sum wraps only
            // if one of its terms is 2^64 or more, and that is outside anyway. What stands behind the calldata reads as zeros.
            function listAt(base, word, shift) -> start, length, outside {
                let offset := calldataload(add(base, word))
                start := add(add(base, offset), 0x20)
                length := calldataload(sub(start, 0x20))
                outside := or(shr(64, or(offset, length)), gt(add(start, shl(shift, length)), calldatasize()))
            }

            let position := calldataload(add(updates.offset, shl(5, i)))
            let base := add(updates.offset, position)
            let outside := or(shr(64, position), gt(add(base, 0xc0), calldatasize()))
            dataset := mul(calldataload(base), iszero(outside))
            size := calldataload(add(base, 0x20))
            root := calldataload(add(base, 0x40))

            let part
            signature.offset, signature.length, part := listAt(base, 0x60, 0)
            outside := or(outside, part)
            peaks.offset, peaks.length, part := listAt(base, 0x80, 5)
            outside := or(outside, part)
            appended.offset, appended.length, part := listAt(base, 0xa0, 5)
            whole := iszero(or(outside, part))
        }
    }
}
