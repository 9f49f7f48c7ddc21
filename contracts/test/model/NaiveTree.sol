// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title RFC 9162 §2.1.1, to the letter
/// @dev Recursive, over all leaves, and in nothing like the contract's way of going about it.
library NaiveTree {
    /// @notice MTH(leaves); for no leaves zero, as DISSC says, where the RFC says H().
    function root(bytes[] memory leaves) internal pure returns (bytes32) {
        return leaves.length == 0 ? bytes32(0) : _hash(leaves, 0, leaves.length);
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
