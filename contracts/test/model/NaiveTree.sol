// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title RFC 9162 §2.1.1, to the letter
/// @dev Recursive, over all leaves, and in nothing like the contract's way of going about it.
library NaiveTree {
    /// @notice MTH(leaves); for no leaves zero, as DISSC says, where the RFC says H().
    function root(bytes[] memory leaves) internal pure returns (bytes32) {
        return leaves.length == 0 ? bytes32(0) : _hash(leaves, 0, leaves.length);
    }

    /// @notice PATH(m, leaves), §2.1.3.1: the nodes that leaf m needs to get to the root, from the bottom up.
    function path(bytes[] memory leaves, uint256 m) internal pure returns (bytes32[] memory nodes) {
        return _path(leaves, m, 0, leaves.length);
    }

    function _path(bytes[] memory leaves, uint256 m, uint256 from, uint256 to)
        private
        pure
        returns (bytes32[] memory nodes)
    {
        uint256 n = to - from;
        if (n == 1) return nodes;
        uint256 k = 1;
        while (2 * k < n) k = 2 * k;
        bytes32[] memory below = m < k ? _path(leaves, m, from, from + k) : _path(leaves, m - k, from + k, to);
        nodes = new bytes32[](below.length + 1);
        for (uint256 i = 0; i < below.length; ++i) {
            nodes[i] = below[i];
        }
        nodes[below.length] = m < k ? _hash(leaves, from + k, to) : _hash(leaves, from, from + k);
    }

    function _hash(bytes[] memory leaves, uint256 from, uint256 to) private pure returns (bytes32) {
        uint256 n = to - from;
        if (n == 1) return sha256(abi.encodePacked(hex"00", leaves[from]));
        // k is the largest power of two smaller than n
        uint256 k = 1;
        while (2 * k < n) k = 2 * k;
        return sha256(abi.encodePacked(hex"01", _hash(leaves, from, from + k), _hash(leaves, from + k, to)));
    }
}
