// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { NaiveTree } from "./NaiveTree.sol";

/// @title What tests of DISSC share: datasets as a device knows them, updates, signatures
abstract contract DisscModel {
    uint256 internal constant SECP256K1_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    struct Batch {
        uint8 published;
        uint32 count;
        bytes32 salt;
        bytes32 batchRoot;
        bytes sealedDigests;
    }

    /// @dev A dataset as its device knows it: every leaf of the log is kept.
    struct Model {
        bytes32 dataset;
        address owner;
        uint256 deviceKey;
        uint64 size;
        bytes[] leaves;
    }

    IDISSC internal dissc;

    uint256 private _drawn;

    function _deploy() internal returns (IDISSC) {
        return IDISSC(vm.deployCode("DISSC.sol:DISSC"));
    }

    // ------------------------------------------------------------------------------------------------------- datasets

    function _open(Model storage model, address owner, bytes32 name, uint256 deviceKey) internal {
        vm.prank(owner);
        model.dataset = dissc.openDataset(name, vm.addr(deviceKey));
        model.owner = owner;
        model.deviceKey = deviceKey;
    }

    /// @dev A batch that is not published.
    function _rooted(uint32 count) internal returns (Batch memory) {
        return Batch(0, count, _draw(), _draw(), "");
    }

    /// @dev A batch whose sealed digests go on the chain.
    function _published(uint32 count) internal returns (Batch memory) {
        bytes memory digests = new bytes(uint256(count) * 32);
        for (uint256 i = 0; i < digests.length; i += 32) {
            bytes32 digest = _draw();
            assembly ("memory-safe") {
                mstore(add(add(digests, 32), i), digest)
            }
        }
        return Batch(1, count, _draw(), _draw(), digests);
    }

    function _one(Batch memory batch) internal pure returns (Batch[] memory batches) {
        batches = new Batch[](1);
        batches[0] = batch;
    }

    /// @dev Bytes that no two calls return.
    function _draw() internal returns (bytes32) {
        return keccak256(abi.encode("drawn", ++_drawn));
    }

    // -------------------------------------------------------------------------------------------------------- updates

    /// @dev An update that the dataset's device would send.
    function _update(Model storage model, Batch[] memory batches) internal view returns (IDISSC.Update memory) {
        return _updateSignedBy(model, batches, model.deviceKey);
    }

    function _updateSignedBy(Model storage model, Batch[] memory batches, uint256 key)
        internal
        view
        returns (IDISSC.Update memory)
    {
        bytes32 digest = _digest(block.chainid, address(dissc), model.dataset, _after(model, batches));
        return IDISSC.Update(model.dataset, _pack(batches), _packSealed(batches), _sign(key, digest));
    }

    /// @dev The head after `batches`, by the naive tree.
    function _after(Model storage model, Batch[] memory batches) internal view returns (IDISSC.Head memory) {
        uint256 before = model.leaves.length;
        bytes[] memory leaves = new bytes[](before + batches.length);
        for (uint256 i = 0; i < before; ++i) {
            leaves[i] = model.leaves[i];
        }
        uint64 size = model.size;
        for (uint256 i = 0; i < batches.length; ++i) {
            leaves[before + i] = _leaf(model.dataset, size, batches[i]);
            size += batches[i].count;
        }
        return IDISSC.Head(size, uint32(leaves.length), NaiveTree.root(leaves));
    }

    /// @dev The device takes note that `batches` are recorded.
    function _note(Model storage model, Batch[] memory batches) internal {
        for (uint256 i = 0; i < batches.length; ++i) {
            model.leaves.push(_leaf(model.dataset, model.size, batches[i]));
            model.size += batches[i].count;
        }
    }

    /// @dev Design §4: dataset32 ‖ u64 first ‖ u32 count ‖ salt ‖ batchRoot ‖ sealedHash.
    function _leaf(bytes32 dataset, uint64 first, Batch memory batch) internal pure returns (bytes memory) {
        bytes32 sealedHash = batch.published == 1 ? keccak256(batch.sealedDigests) : bytes32(0);
        return abi.encodePacked(dataset, first, batch.count, batch.salt, batch.batchRoot, sealedHash);
    }

    function _pack(Batch[] memory batches) internal pure returns (bytes memory packed) {
        for (uint256 i = 0; i < batches.length; ++i) {
            Batch memory batch = batches[i];
            packed = bytes.concat(packed, abi.encodePacked(batch.published, batch.count, batch.salt, batch.batchRoot));
        }
    }

    function _packSealed(Batch[] memory batches) internal pure returns (bytes memory packed) {
        for (uint256 i = 0; i < batches.length; ++i) {
            packed = bytes.concat(packed, batches[i].sealedDigests);
        }
    }

    function _digest(uint256 chainId, address verifyingContract, bytes32 dataset, IDISSC.Head memory head)
        internal
        pure
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Plumbline DISSC"),
                keccak256("1"),
                chainId,
                verifyingContract
            )
        );
        bytes32 typeHash = keccak256("Head(bytes32 dataset,uint64 size,uint32 batches,bytes32 root)");
        bytes32 structHash = keccak256(abi.encode(typeHash, dataset, head.size, head.batches, head.root));
        return keccak256(abi.encodePacked("\x19\x01", domain, structHash));
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    // ------------------------------------------------------------------------------------------------------ recording

    function _list(IDISSC.Update memory update) internal pure returns (IDISSC.Update[] memory updates) {
        updates = new IDISSC.Update[](1);
        updates[0] = update;
    }

    function _list(IDISSC.Update memory one, IDISSC.Update memory two)
        internal
        pure
        returns (IDISSC.Update[] memory updates)
    {
        updates = new IDISSC.Update[](2);
        (updates[0], updates[1]) = (one, two);
    }

    function _list(IDISSC.Update memory one, IDISSC.Update memory two, IDISSC.Update memory three)
        internal
        pure
        returns (IDISSC.Update[] memory updates)
    {
        updates = new IDISSC.Update[](3);
        (updates[0], updates[1], updates[2]) = (one, two, three);
    }

    /// @dev Records what must be accepted.
    function _record(Model storage model, Batch[] memory batches) internal {
        bool[] memory accepted = dissc.record(_list(_update(model, batches)));
        vm.assertTrue(accepted[0], "an honest update is accepted");
        _note(model, batches);
    }

    /// @dev Lets a log grow to `length` batches of one block, in one update.
    function _grow(Model storage model, uint256 length) internal {
        if (length == model.leaves.length) return;
        Batch[] memory batches = new Batch[](length - model.leaves.length);
        for (uint256 i = 0; i < batches.length; ++i) {
            batches[i] = _rooted(1);
        }
        _record(model, batches);
    }

    function _assertHead(Model storage model, string memory message) internal view {
        (uint64 size, uint32 batches, bytes32 root) = dissc.head(model.dataset);
        vm.assertEq(size, model.size, string.concat(message, ": size"));
        vm.assertEq(batches, model.leaves.length, string.concat(message, ": batches"));
        vm.assertEq(root, NaiveTree.root(model.leaves), string.concat(message, ": root"));
    }

    /// @dev The other signature that the same key could be shown to have made.
    function _twin(bytes memory signature) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s, uint8 v) = _split(signature);
        return abi.encodePacked(r, SECP256K1_ORDER - uint256(s), v == 27 ? uint8(28) : uint8(27));
    }

    function _split(bytes memory signature) internal pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
    }
}

/// @title A test with a DISSC of its own
abstract contract DisscTest is DisscModel {
    function setUp() public virtual {
        dissc = _deploy();
    }
}
