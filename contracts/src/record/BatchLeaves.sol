// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The batches of an update, and the log leaves they become
/// @dev In calldata, 69 bytes a batch: `u8 published ‖ u32 count ‖ salt32 ‖ batchRoot32`. Positions are calldata positions.
library BatchLeaves {
    /// @dev Memory: `00 ‖ dataset32 ‖ u64 first ‖ u32 count ‖ salt32 ‖ batchRoot32 ‖ sealedHash32`, 141 bytes.
    type Leaf is uint256;

    uint256 internal constant BATCH_BYTES = 69;
    uint256 private constant LEAF_BYTES = 141;

    /// @notice A leaf in fresh memory.
    function allocate() internal pure returns (Leaf leaf) {
        assembly ("memory-safe") {
            leaf := mload(0x40)
            mstore(0x40, add(leaf, 160))
            mstore8(leaf, 0)
        }
    }

    /// @notice Names the dataset of the leaves to come.
    function begin(Leaf leaf, bytes32 dataset) internal pure {
        assembly ("memory-safe") {
            mstore(add(leaf, 1), dataset)
        }
    }

    /// @notice Whether these are whole batches, one at least.
    function isWhole(bytes calldata leaves) internal pure returns (bool) {
        return leaves.length != 0 && leaves.length % BATCH_BYTES == 0;
    }

    /// @notice How many batches these are.
    function number(bytes calldata leaves) internal pure returns (uint256) {
        return leaves.length / BATCH_BYTES;
    }

    /// @notice Where a byte string begins.
    function start(bytes calldata data) internal pure returns (uint256 position) {
        assembly ("memory-safe") {
            position := data.offset
        }
    }

    /// @notice Where a byte string ends.
    function end(bytes calldata data) internal pure returns (uint256 position) {
        assembly ("memory-safe") {
            position := add(data.offset, data.length)
        }
    }

    /// @notice The flag and the number of blocks of the batch at `position`, as they are.
    function read(uint256 position) internal pure returns (uint256 published, uint256 count) {
        assembly ("memory-safe") {
            let word := calldataload(position)
            published := shr(248, word)
            count := and(shr(216, word), 0xffffffff)
        }
    }

    /// @notice The salt and the root of the batch at `position`.
    function readRoot(uint256 position) internal pure returns (bytes32 salt, bytes32 batchRoot) {
        assembly ("memory-safe") {
            salt := calldataload(add(position, 5))
            batchRoot := calldataload(add(position, 37))
        }
    }

    /// @notice H(00 ‖ batchLeaf) of the batch at `position`.
    function hash(Leaf leaf, uint256 first, uint256 position, bytes32 sealedHash)
        internal
        view
        returns (bytes32 leafHash)
    {
        assembly ("memory-safe") {
            mstore(add(leaf, 33), shl(192, first))
            // count ‖ salt ‖ batchRoot stand together there as here
            calldatacopy(add(leaf, 41), add(position, 1), 68)
            mstore(add(leaf, 109), sealedHash)
            pop(staticcall(gas(), 2, leaf, LEAF_BYTES, 0, 0x20))
            leafHash := mload(0)
        }
    }

    /// @notice keccak256 of the calldata from `from` to `to`, by way of memory that is not kept.
    function keccakOf(uint256 from, uint256 to) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            let length := sub(to, from)
            calldatacopy(free, from, length)
            result := keccak256(free, length)
        }
    }
}
