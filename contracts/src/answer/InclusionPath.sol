// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../interfaces/IOCASC.sol";

/// @title Inclusion in an RFC 9162 Merkle tree (§2.1.3.2)
/// @dev The SHA-256 precompile (0x02) fails only for want of gas, and then the call as a whole does: see `LogGrowth`.
library InclusionPath {
    /// @notice The root that leaf `index` among `leaves`, of this hash, and its path lead to. A path is as long as index and
    /// number of leaves demand, or refused. `index` must be less than `leaves`.
    function root(bytes32 leafHash, uint256 index, uint256 leaves, bytes32[] calldata path)
        internal
        view
        returns (bytes32 computed)
    {
        uint256 used;
        assembly ("memory-safe") {
            // In memory, not kept: 01 ‖ left ‖ right. The hash so far is left of its sibling, or right of it
            let prefix := mload(0x40)
            let left := add(prefix, 0x01)
            let right := add(prefix, 0x21)
            mstore8(prefix, 1)

            mstore(0, leafHash)
            let next := path.offset
            let place := index
            for { let last := sub(leaves, 1) } last {
                place := shr(1, place)
                last := shr(1, last)
            } {
                switch and(place, 1)
                case 1 {
                    // Beyond the path stands other calldata, or zeros: its length is judged below
                    mstore(left, calldataload(next))
                    mstore(right, mload(0))
                }
                default {
                    // The last node of a level, if its place is even, has no sibling: it stands in the next level as it is
                    if eq(place, last) { continue }
                    mstore(left, mload(0))
                    mstore(right, calldataload(next))
                }
                next := add(next, 0x20)
                pop(staticcall(gas(), 2, prefix, 65, 0, 0x20))
            }
            used := shr(5, sub(next, path.offset))
            computed := mload(0)
        }
        if (used != path.length) revert IOCASC.OCASC_BadPathLength(index, leaves, path.length);
    }
}
