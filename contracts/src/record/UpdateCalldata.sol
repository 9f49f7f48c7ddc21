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
        returns (bool whole, bytes32 dataset, bytes calldata leaves, bytes calldata sealedDigests, bytes calldata signature)
    {
        assembly ("memory-safe") {
            // The byte string whose offset, relative to `base`, stands at `base + word`. An offset or a length of 2^64 or
            // more is refused first, so that no sum can wrap.
            function bytesAt(base, word) -> start, length, inside {
                let offset := calldataload(add(base, word))
                start := add(add(base, offset), 0x20)
                if iszero(or(shr(64, offset), gt(start, calldatasize()))) {
                    length := calldataload(sub(start, 0x20))
                    inside := iszero(or(shr(64, length), gt(add(start, length), calldatasize())))
                }
            }

            leaves.offset := 0
            leaves.length := 0
            sealedDigests.offset := 0
            sealedDigests.length := 0
            signature.offset := 0
            signature.length := 0
            let position := calldataload(add(updates.offset, shl(5, i)))
            let base := add(updates.offset, position)
            if iszero(or(shr(64, position), gt(add(base, 0x80), calldatasize()))) {
                let inside
                dataset := calldataload(base)
                leaves.offset, leaves.length, whole := bytesAt(base, 0x20)
                sealedDigests.offset, sealedDigests.length, inside := bytesAt(base, 0x40)
                whole := and(whole, inside)
                signature.offset, signature.length, inside := bytesAt(base, 0x60)
                whole := and(whole, inside)
            }
        }
    }
}
