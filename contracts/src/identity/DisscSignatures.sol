// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../interfaces/IDISSC.sol";

/// @title What devices and owners sign (EIP-712)
library DisscSignatures {
    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant HEAD_TYPE = keccak256("Head(bytes32 dataset,uint64 size,bytes32 root)");
    bytes32 private constant CHARTER_TYPE =
        keccak256("Charter(bytes32 name,uint8 kind,address device,address anchorer,uint32 serial,uint64 from)");
    bytes32 private constant NAME = keccak256("Plumbline DISSC");
    bytes32 private constant VERSION = keccak256("2");

    /// @dev Half the order of secp256k1, rounded down: a signature with a larger s has a twin with a smaller one.
    uint256 private constant MAX_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    uint256 private constant SIGNATURE_BYTES = 65;

    /// @notice The domain separator. Computed anew for each call, so that a chain that splits has two of them.
    function domain() internal view returns (bytes32 separator) {
        (bytes32 domainType, bytes32 name, bytes32 version) = (DOMAIN_TYPE, NAME, VERSION);
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, domainType)
            mstore(add(free, 0x20), name)
            mstore(add(free, 0x40), version)
            mstore(add(free, 0x60), chainid())
            mstore(add(free, 0x80), address())
            separator := keccak256(free, 0xa0)
        }
    }

    /// @notice What a device signs.
    function headDigest(bytes32 separator, bytes32 dataset, uint256 size, bytes32 root)
        internal
        pure
        returns (bytes32 digest)
    {
        bytes32 headType = HEAD_TYPE;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, headType)
            mstore(add(free, 0x20), dataset)
            mstore(add(free, 0x40), size)
            mstore(add(free, 0x60), root)
            let structHash := keccak256(free, 0x80)
            mstore(free, hex"1901")
            mstore(add(free, 2), separator)
            mstore(add(free, 34), structHash)
            digest := keccak256(free, 66)
        }
    }

    /// @notice What an owner signs.
    function charterDigest(bytes32 separator, IDISSC.Charter calldata charter) internal pure returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                CHARTER_TYPE, charter.name, charter.kind, charter.device, charter.anchorer, charter.serial, charter.from
            )
        );
        return keccak256(abi.encodePacked(hex"1901", separator, structHash));
    }

    /// @notice Whether a signature has the length of one.
    function isWhole(bytes calldata signature) internal pure returns (bool) {
        return signature.length == SIGNATURE_BYTES;
    }

    /// @notice Takes 65 bytes apart.
    function split(bytes calldata signature) internal pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly ("memory-safe") {
            r := calldataload(signature.offset)
            s := calldataload(add(signature.offset, 0x20))
            v := byte(0, calldataload(add(signature.offset, 0x40)))
        }
    }

    /// @notice Whether a signature is in the one form of its two that counts.
    function isCanonical(bytes32 s, uint8 v) internal pure returns (bool) {
        return (v == 27 || v == 28) && uint256(s) <= MAX_S;
    }
}
