// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../interfaces/IDISSC.sol";

/// @title Reads one update out of the calldata without ever reverting
/// @dev Solidity's own accessors revert when an offset points outside the calldata, and one such update would then take the
/// whole call with it. These say so instead. As Solidity does, they ask neither for one order of the parts nor for padding.
library UpdateCalldata {
    /// @notice The update number `i`, which must be less than `updates.length`.
    /// @return whole Whether all of it lies within the calldata. If not, the byte strings mean nothing, and `dataset` is zero
    /// when even the update's fixed part lies outside
    function read(IDISSC.Update[] calldata updates, uint256 i)
        internal
        pure
        returns (
            bool whole,
            bytes32 dataset,
            bytes calldata leaves,
            bytes calldata sealedDigests,
            bytes calldata signature
        )
    {
        assembly ("memory-safe") {
            // The byte string whose offset, relative to `base`, stands at `base + word`. A sum wraps only if one of its terms
            // is 2^64 or more, and that is outside anyway. What stands behind the calldata reads as zeros.
            function bytesAt(base, word) -> start, length, outside {
                let offset := calldataload(add(base, word))
                start := add(add(base, offset), 0x20)
                length := calldataload(sub(start, 0x20))
                outside := or(shr(64, or(offset, length)), gt(add(start, length), calldatasize()))
            }

            let position := calldataload(add(updates.offset, shl(5, i)))
            let base := add(updates.offset, position)
            let outside := or(shr(64, position), gt(add(base, 0x80), calldatasize()))
            dataset := mul(calldataload(base), iszero(outside))

            let part
            leaves.offset, leaves.length, part := bytesAt(base, 0x20)
            outside := or(outside, part)
            sealedDigests.offset, sealedDigests.length, part := bytesAt(base, 0x40)
            outside := or(outside, part)
            signature.offset, signature.length, part := bytesAt(base, 0x60)
            whole := iszero(or(outside, part))
        }
    }
}
