// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What recording costs when each block's hash takes a storage slot of its own: the paper's DISSC, read literally.
contract SlotPerBlock {
    mapping(bytes32 dataset => mapping(uint256 index => bytes32 sealedDigest)) public sealedDigests;

    function record(bytes32 dataset, uint256 first, bytes32[] calldata digests) external {
        for (uint256 i; i < digests.length; ++i) sealedDigests[dataset][first + i] = digests[i];
    }
}
