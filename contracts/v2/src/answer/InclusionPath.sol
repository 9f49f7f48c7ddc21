// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../interfaces/IOCASC.sol";

/// @title Inclusion in an RFC 9162 Merkle tree (§2.1.3.2)
library InclusionPath {
    /// @notice The root that leaf `index` among `leaves`, of this hash, and its path lead to. A path is as long as index and
    /// number of leaves demand, or refused. `index` must be less than `leaves`.
    function root(bytes32 leafHash, uint256 index, uint256 leaves, bytes32[] calldata path)
        internal
        view
        returns (bytes32 computed)
    {
        uint256 used = 0;
        assembly ("memory-safe") {
            // In memory, not kept: 01 ‖ left ‖ right. The hash so far is left of its sibling, or right of it
            let free := mload(0x40)
            mstore8(free, 1)
            let left := add(free, 0x01)
            let right := add(free, 0x21)

            mstore(0, leafHash)
            let place := index
            for { let last := sub(leaves, 1) } last {
                place := shr(1, place)
                last := shr(1, last)
            } {
                // Beyond the path stands other calldata, or zeros: its length is judged below
                let sibling := calldataload(add(path.offset, shl(5, used)))
                switch and(place, 1)
                case 1 {
                    mstore(left, sibling)
                    mstore(right, mload(0))
                }
                default {
                    // The last node of a level, if its place is even, has no sibling: it stands in the next level as it is
                    if eq(place, last) { continue }
                    mstore(left, mload(0))
                    mstore(right, sibling)
                }
                used := add(used, 1)
                // The precompile fails only for want of gas
                if iszero(staticcall(gas(), 2, free, 65, 0, 0x20)) { revert(0, 0) }
            }
            computed := mload(0)
        }
        if (used != path.length) revert IOCASC.OCASC_BadPathLength(index, leaves, path.length);
    }
}
