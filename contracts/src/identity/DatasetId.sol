// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The id of a dataset
/// @dev It says whose the dataset is, how it is called and of which kind it is, so all three are for life, and whoever shows
/// name and kind shows to be the owner.
library DatasetId {
    /// @notice The largest of the kinds: 0 encrypted, 1 plain, 2 attached.
    uint8 internal constant LAST_KIND = 2;

    /// @notice keccak256(abi.encode(block.chainid, dissc, owner, name, kind)).
    function compute(address dissc, address owner, bytes32 name, uint8 kind) internal view returns (bytes32 dataset) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, chainid())
            mstore(add(free, 0x20), dissc)
            mstore(add(free, 0x40), owner)
            mstore(add(free, 0x60), name)
            mstore(add(free, 0x80), kind)
            dataset := keccak256(free, 0xa0)
        }
    }
}
