// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DatasetId } from "./identity/DatasetId.sol";
import { DisscSignatures } from "./identity/DisscSignatures.sol";
import { IDISSC } from "./interfaces/IDISSC.sol";
import { LogGrowth } from "./log/LogGrowth.sol";
import { UpdateCalldata } from "./log/UpdateCalldata.sol";

/// @title DISSC
/// @dev Without constructor arguments: CREATE2 gives it one address on every chain. It calls nothing but precompiles.
contract DISSC is IDISSC {
    uint256 private constant MAX_SIZE = 1 << 48;
    uint256 private constant MAX_GROWTH = 1 << 28;
    uint256 private constant MAX_SEALED_BYTES = 1024 * 32;

    /// @dev Two slots.
    struct Dataset {
        address device;
        uint64 size;
        uint32 serial;
        bytes32 root;
    }

    mapping(bytes32 dataset => Dataset) private _datasets;

    /// @inheritdoc IDISSC
    mapping(address anchorer => bytes32) public round;

    /// @inheritdoc IDISSC
    function record(Charter[] calldata charters, Update[] calldata updates) external returns (bool[] memory accepted) {
        bytes32 domain = DisscSignatures.domain();

        // Check, Effect, Log: all charters, or the call as a whole fails
        for (uint256 i = 0; i < charters.length; ++i) {
            _charter(domain, charters[i]);
        }

        // Effect, Log: each update by itself, in order
        accepted = _allocateFlags(updates.length);
        for (uint256 i = 0; i < updates.length; ++i) {
            (
                bool whole,
                bytes32 dataset,
                uint256 size,
                bytes32 root,
                bytes calldata signature,
                bytes32[] calldata peaks,
                bytes32[] calldata appended
            ) = UpdateCalldata.read(updates, i);
            bytes4 reason = whole
                ? _recordUpdate(domain, dataset, size, root, signature, peaks, appended)
                : DISSC_MalformedUpdate.selector;

            if (reason == 0) accepted[i] = true;
            else emit UpdateRefused(dataset, reason);
        }

        // The flags stand in memory as the ABI wants them, but for the offset in front
        assembly ("memory-safe") {
            let start := sub(accepted, 0x20)
            mstore(start, 0x20)
            return(start, add(shl(5, mload(accepted)), 0x40))
        }
    }

    /// @inheritdoc IDISSC
    function anchor(bytes32 previous, bytes32 body) external returns (bytes32 newest) {
        // Check: the caller knows its newest round
        bytes32 kept = round[msg.sender];
        if (previous != kept) revert DISSC_WrongPrevious(msg.sender, previous, kept);

        // Effect: the next one
        newest = sha256(abi.encodePacked(bytes1(0x05), uint64(block.timestamp), previous, body));
        round[msg.sender] = newest;

        // Log
        emit RoundAnchored(msg.sender, newest, previous, body);
    }

    /// @inheritdoc IDISSC
    function publish(
        bytes32 dataset,
        uint32 serial,
        uint64 first,
        bytes32 salt,
        bytes16 nonce,
        bytes calldata sealedDigests
    ) external {
        // Check: as many as one batch has
        uint256 length = sealedDigests.length;
        if (length == 0 || length > MAX_SEALED_BYTES || length % 32 != 0) revert DISSC_BadSealedLength(length);

        // Log
        emit Published(dataset, first, msg.sender, serial, salt, nonce, sealedDigests);
    }

    /// @inheritdoc IDISSC
    function link(bytes32 name, uint8 kind, uint64 first, uint32 count, bytes calldata objects) external {
        // Check: there are datasets of this kind. That it is the caller's follows from the id
        if (kind > DatasetId.LAST_KIND) revert DISSC_BadKind(kind);

        // Log
        emit ObjectsLinked(DatasetId.compute(address(this), msg.sender, name, kind), first, count, objects);
    }

    /// @inheritdoc IDISSC
    function head(bytes32 dataset) external view returns (uint64 size, bytes32 root) {
        Dataset storage state = _datasets[dataset];
        return (state.size, state.root);
    }

    /// @inheritdoc IDISSC
    function heads(bytes32[] calldata datasets) external view returns (Head[] memory states) {
        states = new Head[](datasets.length);
        for (uint256 i = 0; i < datasets.length; ++i) {
            Dataset storage state = _datasets[datasets[i]];
            states[i] = Head(state.size, state.root);
        }
    }

    /// @inheritdoc IDISSC
    function device(bytes32 dataset) external view returns (address account, uint32 serial) {
        Dataset storage state = _datasets[dataset];
        return (state.device, state.serial);
    }

    /// @dev Takes note of a charter, or skips one that is no newer than what is known.
    function _charter(bytes32 domain, Charter calldata charter) private {
        (address owner, uint32 serial) = (charter.owner, charter.serial);
        bytes32 dataset = DatasetId.compute(address(this), owner, charter.name, charter.kind);
        Dataset storage state = _datasets[dataset];

        // Whoever has sent it before, in the same block perhaps, has not spoilt this call
        if (serial <= state.serial) return;

        // Check: the charter is possible
        if (charter.kind > DatasetId.LAST_KIND) revert DISSC_BadKind(charter.kind);
        if (owner == address(0)) revert DISSC_ZeroOwner();
        if (charter.device == address(0)) revert DISSC_ZeroDevice(dataset);
        uint256 maximum = block.timestamp + 1 days;
        if (serial > maximum) revert DISSC_SerialTooHigh(dataset, serial, maximum);

        // Check: the owner asks or, where the dataset does not live in rounds, has signed
        if (msg.sender != owner) {
            if (charter.anchorer != address(0)) revert DISSC_NotOwner(dataset, msg.sender, owner);
            if (_signerOf(domain, charter) != owner) revert DISSC_WrongCharterSignature(dataset, owner);
        }

        // Effect: the next head is this device's to sign
        state.device = charter.device;
        state.serial = serial;

        // Log
        emit Chartered(
            dataset, owner, charter.name, charter.kind, charter.device, charter.anchorer, serial, charter.from
        );
    }

    /// @dev Zero for whatever is no signature in the one form that counts; an owner never is.
    function _signerOf(bytes32 domain, Charter calldata charter) private pure returns (address) {
        if (!DisscSignatures.isWhole(charter.signature)) return address(0);
        (bytes32 r, bytes32 s, uint8 v) = DisscSignatures.split(charter.signature);
        if (!DisscSignatures.isCanonical(s, v)) return address(0);
        return ecrecover(DisscSignatures.charterDigest(domain, charter), v, r, s);
    }

    /// @dev `new bool[](length)` for a length that is known to fit into the calldata, at a fifth of the gas and with a word
    /// of room in front.
    function _allocateFlags(uint256 length) private pure returns (bool[] memory flags) {
        assembly ("memory-safe") {
            flags := add(mload(0x40), 0x20)
            let flagsBytes := shl(5, length)
            mstore(flags, length)
            calldatacopy(add(flags, 0x20), calldatasize(), flagsBytes)
            mstore(0x40, add(add(flags, 0x20), flagsBytes))
        }
    }

    /// @dev Zero if the update was accepted, else the reason why not.
    function _recordUpdate(
        bytes32 domain,
        bytes32 dataset,
        uint256 size,
        bytes32 root,
        bytes calldata signature,
        bytes32[] calldata peaks,
        bytes32[] calldata appended
    ) private returns (bytes4) {
        Dataset storage state = _datasets[dataset];
        (address signer, uint256 sizeBefore) = (state.device, state.size);

        // Check: the dataset exists, and grows, not by too much
        if (signer == address(0)) return DISSC_UnknownDataset.selector;
        if (size <= sizeBefore) return DISSC_NoGrowth.selector;
        unchecked {
            if (size > MAX_SIZE || size - sizeBefore > MAX_GROWTH) return DISSC_TooMuchGrowth.selector;
        }

        // Check: it grows from the recorded head, to the new one
        if (peaks.length != LogGrowth.ones(sizeBefore)) return DISSC_WrongNumberOfPeaks.selector;
        if (LogGrowth.bag(peaks) != state.root) return DISSC_WrongPeaks.selector;
        {
            (bool whole, bytes32 grown) = LogGrowth.grow(sizeBefore, size, peaks, appended);
            if (!whole) return DISSC_WrongNumberAppended.selector;
            if (grown != root) return DISSC_WrongRoot.selector;
        }

        // Check: the device has signed the new head
        {
            if (!DisscSignatures.isWhole(signature)) return DISSC_BadSignatureLength.selector;
            (bytes32 r, bytes32 s, uint8 v) = DisscSignatures.split(signature);
            if (!DisscSignatures.isCanonical(s, v)) return DISSC_NonCanonicalSignature.selector;
            if (ecrecover(DisscSignatures.headDigest(domain, dataset, size, root), v, r, s) != signer) {
                return DISSC_WrongSigner.selector;
            }
        }

        // Effect: the head moves. The size was found to fit
        state.size = uint64(size);
        state.root = root;

        // Log
        emit Recorded(dataset, signer, uint64(size), root, appended);
        return 0;
    }
}
