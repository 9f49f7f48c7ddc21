// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { NaiveTree } from "./NaiveTree.sol";

/// @title RFC 9162's tree over as many leaves as there can be, of which all but a few are alike
/// @dev A perfect tree without one of the few has a root that depends on its height alone; so any tree is hashed by its splits.
library LazyTree {
    /// @param seed Tells leaves of two trees apart
    /// @param special The indices of the leaves that are like no other
    struct Leaves {
        bytes32 seed;
        uint256[] special;
        bytes32[49] plain;
    }

    /// @notice Leaves of which those in `special` are like no other.
    function make(bytes32 seed, uint256[] memory special) internal view returns (Leaves memory leaves) {
        leaves.seed = seed;
        leaves.special = special;
        leaves.plain[0] = keccak256(abi.encode(seed));
        for (uint256 height = 1; height < leaves.plain.length; ++height) {
            leaves.plain[height] = NaiveTree.node(leaves.plain[height - 1], leaves.plain[height - 1]);
        }
    }

    /// @notice MTH of the leaves from `from` to `to`.
    function root(Leaves memory leaves, uint256 from, uint256 to) internal view returns (bytes32) {
        uint256 n = to - from;
        if (n == 0) return 0;
        if (!_hasSpecial(leaves, from, to)) {
            for (uint256 height = 0; height < leaves.plain.length; ++height) {
                if (n == 1 << height) return leaves.plain[height];
            }
        }
        if (n == 1) return keccak256(abi.encode(leaves.seed, from));
        uint256 k = 1;
        while (2 * k < n) k = 2 * k;
        return NaiveTree.node(root(leaves, from, from + k), root(leaves, from + k, to));
    }

    /// @notice As `NaiveTree.peaks`.
    function peaks(Leaves memory leaves, uint256 n) internal view returns (bytes32[] memory nodes) {
        nodes = new bytes32[](64);
        uint256 count = 0;
        for (uint256 start = 0; start < n;) {
            uint256 k = 1;
            while (2 * k <= n - start) k = 2 * k;
            nodes[count++] = root(leaves, start, start + k);
            start += k;
        }
        _shorten(nodes, count);
    }

    /// @notice As `NaiveTree.appended`, up to `m` leaves.
    function appended(Leaves memory leaves, uint256 n, uint256 m) internal view returns (bytes32[] memory nodes) {
        nodes = new bytes32[](128);
        uint256 count = 0;
        while (n < m) {
            uint256 k = 1;
            while (n % (2 * k) == 0 && n + 2 * k <= m) k = 2 * k;
            nodes[count++] = root(leaves, n, n + k);
            n += k;
        }
        _shorten(nodes, count);
    }

    function _hasSpecial(Leaves memory leaves, uint256 from, uint256 to) private pure returns (bool) {
        for (uint256 i = 0; i < leaves.special.length; ++i) {
            if (leaves.special[i] >= from && leaves.special[i] < to) return true;
        }
        return false;
    }

    function _shorten(bytes32[] memory list, uint256 length) private pure {
        assembly ("memory-safe") {
            mstore(list, length)
        }
    }
}
