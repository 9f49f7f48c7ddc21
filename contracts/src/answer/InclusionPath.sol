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
        (uint256 place, uint256 last, uint256 used) = (index, leaves - 1, 0);
        computed = leafHash;
        for (; last != 0; (place, last) = (place >> 1, last >> 1)) {
            // The last node of a level has no sibling if its index is even: it stands in the next level as it is
            if (place & 1 == 0 && place == last) continue;
            if (used == path.length) revert IOCASC.OCASC_BadPathLength(index, leaves, path.length);
            computed = place & 1 == 1 ? _node(path[used], computed) : _node(computed, path[used]);
            ++used;
        }
        if (used != path.length) revert IOCASC.OCASC_BadPathLength(index, leaves, path.length);
    }

    /// @dev H(01 ‖ left ‖ right), by way of memory that is not kept.
    function _node(bytes32 left, bytes32 right) private view returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 1)
            mstore(add(free, 1), left)
            mstore(add(free, 0x21), right)
            // The precompile fails only for want of gas
            if iszero(staticcall(gas(), 2, free, 65, 0, 0x20)) { revert(0, 0) }
            hash := mload(0)
        }
    }
}
