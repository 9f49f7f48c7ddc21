// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title RFC 9162 §2.1.1, to the letter
/// @dev Recursive, over all leaves, and in nothing like the contract's way of going about it. Leaves are given by their hashes.
library NaiveTree {
    /// @notice H(00 ‖ leaf).
    function leafHash(bytes memory leaf) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(hex"00", leaf));
    }

    /// @notice H(01 ‖ left ‖ right).
    /// @dev Most of what random play takes is this: packed by hand, behind the free pointer, it needs a tenth of the steps.
    function node(bytes32 left, bytes32 right) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            let packed := mload(0x40)
            mstore8(packed, 1)
            mstore(add(packed, 1), left)
            mstore(add(packed, 33), right)
            // The address of SHA-256 is 2
            if iszero(staticcall(gas(), 2, packed, 65, 0, 32)) { revert(0, 0) }
            hash := mload(0)
        }
    }

    /// @notice MTH(leaves); for no leaves zero, as DISSC says, where the RFC says H().
    function root(bytes32[] memory leaves) internal view returns (bytes32) {
        return leaves.length == 0 ? bytes32(0) : _hash(leaves, 0, leaves.length);
    }

    /// @notice PATH(m, leaves), §2.1.3.1: the nodes that leaf m needs to get to the root, from the bottom up.
    function path(bytes32[] memory leaves, uint256 m) internal view returns (bytes32[] memory nodes) {
        return _path(leaves, m, 0, leaves.length);
    }

    /// @notice The roots of the perfect trees that the tree of the first `n` leaves is a row of: what stands left of each split,
    /// as long as there is one.
    function peaks(bytes32[] memory leaves, uint256 n) internal view returns (bytes32[] memory nodes) {
        uint256 start = 0;
        while (start < n) {
            uint256 k = 1;
            while (2 * k <= n - start) k = 2 * k;
            nodes = _push(nodes, _hash(leaves, start, start + k));
            start += k;
        }
    }

    /// @notice specification#growth: at each position p the largest 2^k that divides p and does not pass the end.
    function appended(bytes32[] memory leaves, uint256 n) internal view returns (bytes32[] memory nodes) {
        while (n < leaves.length) {
            uint256 k = 1;
            while (n % (2 * k) == 0 && n + 2 * k <= leaves.length) k = 2 * k;
            nodes = _push(nodes, _hash(leaves, n, n + k));
            n += k;
        }
    }

    function _path(bytes32[] memory leaves, uint256 m, uint256 from, uint256 to)
        private
        view
        returns (bytes32[] memory nodes)
    {
        uint256 n = to - from;
        if (n == 1) return nodes;
        uint256 k = 1;
        while (2 * k < n) k = 2 * k;
        nodes = m < k ? _path(leaves, m, from, from + k) : _path(leaves, m - k, from + k, to);
        return _push(nodes, m < k ? _hash(leaves, from + k, to) : _hash(leaves, from, from + k));
    }

    function _hash(bytes32[] memory leaves, uint256 from, uint256 to) private view returns (bytes32) {
        // Nothing here passes the number of leaves
        unchecked {
            uint256 n = to - from;
            if (n == 1) return leaves[from];
            // k is the largest power of two smaller than n
            uint256 k = 1;
            while (2 * k < n) k = 2 * k;
            return node(_hash(leaves, from, from + k), _hash(leaves, from + k, to));
        }
    }

    function _push(bytes32[] memory list, bytes32 item) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < list.length; ++i) {
            longer[i] = list[i];
        }
        longer[list.length] = item;
    }
}
