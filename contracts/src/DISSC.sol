// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "./interfaces/IDISSC.sol";
import { Frontier } from "./log/Frontier.sol";
import { BatchLeaves } from "./record/BatchLeaves.sol";
import { HeadSignature } from "./record/HeadSignature.sol";
import { UpdateCalldata } from "./record/UpdateCalldata.sol";

/// @title DISSC
/// @dev Without constructor arguments: CREATE2 gives it one address on every chain. It calls nothing but precompiles.
contract DISSC is IDISSC {
    using Frontier for Frontier.Workspace;
    using BatchLeaves for BatchLeaves.Leaf;

    uint256 private constant MAX_BATCH_BLOCKS = 1024;
    uint256 private constant MAX_OBJECTS_BYTES = 65_536;

    /// @dev The first slot is all of it, apart from the peaks, that recording reads and writes.
    struct Dataset {
        address device;
        uint64 size;
        uint32 batches;
        address owner;
        bytes32[32] peaks;
    }

    mapping(bytes32 dataset => Dataset) private _datasets;

    /// @inheritdoc IDISSC
    function openDataset(bytes32 name, address device) external returns (bytes32 dataset) {
        return _open(name, device);
    }

    /// @inheritdoc IDISSC
    function openDatasets(bytes32[] calldata names, address[] calldata devices)
        external
        returns (bytes32[] memory datasets)
    {
        // Check: a device for each name
        if (names.length != devices.length) revert DISSC_LengthMismatch(names.length, devices.length);

        // Effect: open them all
        datasets = new bytes32[](names.length);
        for (uint256 i = 0; i < names.length; ++i) {
            datasets[i] = _open(names[i], devices[i]);
        }
    }

    /// @inheritdoc IDISSC
    function setDevice(bytes32 dataset, address device) external {
        // Check: the owner asks, and names an account
        _checkOwner(dataset);
        if (device == address(0)) revert DISSC_ZeroDevice(dataset);

        // Effect: the next head is the new device's to sign
        _datasets[dataset].device = device;

        // Log
        emit DeviceSet(dataset, device);
    }

    /// @inheritdoc IDISSC
    function record(Update[] calldata updates) external returns (bool[] memory accepted) {
        // Memory that every update uses in turn
        accepted = _allocateFlags(updates.length);
        bytes32 domain = HeadSignature.domain();
        Frontier.Workspace workspace = Frontier.allocate();
        BatchLeaves.Leaf leaf = BatchLeaves.allocate();

        // Effect, Log: each update by itself, in order
        for (uint256 i = 0; i < updates.length; ++i) {
            (
                bool whole,
                bytes32 dataset,
                bytes calldata leaves,
                bytes calldata sealedDigests,
                bytes calldata signature
            ) = UpdateCalldata.read(updates, i);
            bytes4 reason = whole
                ? _recordUpdate(domain, workspace, leaf, dataset, leaves, sealedDigests, signature)
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
    function link(bytes32 dataset, uint64 first, uint32 count, bytes calldata objects) external {
        // Check: the owner links a bounded number of bytes to blocks that exist
        _checkOwner(dataset);
        uint64 size = _datasets[dataset].size;
        if (count == 0 || uint256(first) + count > size) revert DISSC_RangeNotRecorded(first, count, size);
        if (objects.length == 0 || objects.length > MAX_OBJECTS_BYTES) {
            revert DISSC_BadObjectsLength(objects.length, MAX_OBJECTS_BYTES);
        }

        // Log
        emit ObjectsLinked(dataset, first, count, objects);
    }

    /// @inheritdoc IDISSC
    function head(bytes32 dataset) external view returns (uint64 size, uint32 batches, bytes32 root) {
        Head memory state = _head(Frontier.allocate(), dataset);
        return (state.size, state.batches, state.root);
    }

    /// @inheritdoc IDISSC
    function heads(bytes32[] calldata datasets) external view returns (Head[] memory states) {
        Frontier.Workspace workspace = Frontier.allocate();
        states = new Head[](datasets.length);
        for (uint256 i = 0; i < datasets.length; ++i) {
            states[i] = _head(workspace, datasets[i]);
        }
    }

    /// @inheritdoc IDISSC
    function parties(bytes32 dataset) external view returns (address owner, address device) {
        Dataset storage state = _datasets[dataset];
        return (state.owner, state.device);
    }

    function _open(bytes32 name, address device) private returns (bytes32 dataset) {
        // Check: a device, and a name not yet used
        dataset = keccak256(abi.encode(block.chainid, address(this), msg.sender, name));
        if (device == address(0)) revert DISSC_ZeroDevice(dataset);
        Dataset storage state = _datasets[dataset];
        if (state.owner != address(0)) revert DISSC_AlreadyOpen(dataset);

        // Effect: an empty log
        state.device = device;
        state.owner = msg.sender;
        Frontier.open(state.peaks);

        // Log
        emit DatasetOpened(dataset, msg.sender, name, device);
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
        Frontier.Workspace workspace,
        BatchLeaves.Leaf leaf,
        bytes32 dataset,
        bytes calldata leaves,
        bytes calldata sealedDigests,
        bytes calldata signature
    ) private returns (bytes4) {
        Dataset storage state = _datasets[dataset];
        (address device, uint256 size, uint256 batches) = (state.device, state.size, state.batches);

        // Check: the dataset exists, the parts have the right lengths, the log has room
        if (device == address(0)) return DISSC_UnknownDataset.selector;
        if (!BatchLeaves.isWhole(leaves)) return DISSC_BadLeavesLength.selector;
        if (signature.length != 65) return DISSC_BadSignatureLength.selector;
        uint256 batchesAfter = batches + BatchLeaves.number(leaves);
        if (batchesAfter > Frontier.MAX_LEAVES) return DISSC_LogFull.selector;

        // Check: each batch is well formed. In memory, append them all
        (bytes4 reason, uint256 sizeAfter, uint256 top, uint256 changed) =
            _append(workspace, leaf, state, dataset, size, batches, leaves, sealedDigests);
        if (reason != 0) return reason;

        // Check: the device has signed the head that this leads to
        bytes32 root = workspace.root(top);
        {
            (bytes32 r, bytes32 s, uint8 v) = HeadSignature.split(signature);
            if (!HeadSignature.isCanonical(s, v)) return DISSC_NonCanonicalSignature.selector;
            bytes32 digest = HeadSignature.digest(domain, dataset, sizeAfter, batchesAfter, root);
            if (ecrecover(digest, v, r, s) != device) return DISSC_WrongSigner.selector;
        }

        // Effect: the head moves. 2^32 batches of 1,024 blocks are far from 2^64 blocks
        state.size = uint64(sizeAfter);
        state.batches = uint32(batchesAfter);
        workspace.store(state.peaks, changed, top, batches, batchesAfter);

        // Log
        emit Recorded(dataset, device, uint64(sizeAfter), uint32(batchesAfter), root);
        if (sealedDigests.length != 0) _emitPublished(dataset, size, leaves, sealedDigests);
        return 0;
    }

    /// @dev Appends batches, in memory, to the dataset's log.
    /// @return reason Zero, or why one of the batches or the sealed digests are not well formed
    /// @return size The log's blocks now
    /// @return top The end of its peaks in the workspace
    /// @return changed Where those begin that differ from storage
    function _append(
        Frontier.Workspace workspace,
        BatchLeaves.Leaf leaf,
        Dataset storage state,
        bytes32 dataset,
        uint256 sizeBefore,
        uint256 batches,
        bytes calldata leaves,
        bytes calldata sealedDigests
    ) private view returns (bytes4 reason, uint256 size, uint256 top, uint256 changed) {
        unchecked {
            size = sizeBefore;
            top = workspace.load(state.peaks, batches);
            changed = top;
            uint256 sealedPosition = BatchLeaves.start(sealedDigests);
            uint256 end = BatchLeaves.end(leaves);
            leaf.begin(dataset);
            for (uint256 position = BatchLeaves.start(leaves); position < end; position += BatchLeaves.BATCH_BYTES) {
                (uint256 published, uint256 count) = BatchLeaves.read(position);
                if (count - 1 >= MAX_BATCH_BLOCKS) return (DISSC_BadCount.selector, 0, 0, 0);

                bytes32 sealedHash = 0;
                if (published != 0) {
                    if (published != 1) return (DISSC_BadPublishedFlag.selector, 0, 0, 0);
                    // At once, so that an update makes no more work than it has bytes
                    uint256 sealedEnd = sealedPosition + count * 32;
                    if (sealedEnd > BatchLeaves.end(sealedDigests)) return (DISSC_BadSealedLength.selector, 0, 0, 0);
                    sealedHash = BatchLeaves.keccakOf(sealedPosition, sealedEnd);
                    sealedPosition = sealedEnd;
                }

                top = workspace.append(top, batches, leaf.hash(size, position, sealedHash));
                if (top <= changed) changed = top - 32;
                size += count;
                ++batches;
            }
            if (sealedPosition != BatchLeaves.end(sealedDigests)) reason = DISSC_BadSealedLength.selector;
        }
    }

    /// @dev Emits the published ones among batches that begin at block `first` and were found well formed.
    function _emitPublished(bytes32 dataset, uint256 first, bytes calldata leaves, bytes calldata sealedDigests)
        private
    {
        (uint256 position, uint256 end) = (BatchLeaves.start(leaves), BatchLeaves.end(leaves));
        uint256 sealedPosition = 0;
        for (; position < end; position += BatchLeaves.BATCH_BYTES) {
            (uint256 published, uint256 count) = BatchLeaves.read(position);
            if (published == 1) {
                (bytes32 salt, bytes32 batchRoot) = BatchLeaves.readRoot(position);
                bytes calldata digests = sealedDigests[sealedPosition:sealedPosition + count * 32];
                emit Published(dataset, uint64(first), uint32(count), salt, batchRoot, digests);
                sealedPosition += count * 32;
            }
            first += count;
        }
    }

    function _head(Frontier.Workspace workspace, bytes32 dataset) private view returns (Head memory) {
        Dataset storage state = _datasets[dataset];
        (uint64 size, uint32 batches) = (state.size, state.batches);
        return Head(size, batches, workspace.root(workspace.load(state.peaks, batches)));
    }

    function _checkOwner(bytes32 dataset) private view {
        address owner = _datasets[dataset].owner;
        if (owner == address(0)) revert DISSC_UnknownDataset(dataset);
        if (owner != msg.sender) revert DISSC_NotOwner(dataset, msg.sender, owner);
    }
}
