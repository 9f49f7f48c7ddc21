// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { NaiveTree } from "./NaiveTree.sol";

/// @title What tests of DISSC share: datasets as a device knows them, charters, updates, signatures
abstract contract DisscModel {
    uint256 internal constant SECP256K1_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    /// @dev A dataset as its device knows it: the hash of every leaf of the log is kept.
    struct Model {
        bytes32 dataset;
        uint256 ownerKey;
        bytes32 name;
        uint8 kind;
        uint256 deviceKey;
        uint32 serial;
        bytes32[] leaves;
    }

    IDISSC internal dissc;

    uint256 private _drawn;

    function _deploy() internal returns (IDISSC) {
        return IDISSC(vm.deployCode("DISSC.sol:DISSC"));
    }

    // ------------------------------------------------------------------------------------------------------- datasets

    /// @dev A dataset that is on the chain by a charter of its owner's.
    function _open(Model storage model, uint256 ownerKey, bytes32 name, uint8 kind, uint256 deviceKey) internal {
        _name(model, ownerKey, name, kind);
        _replaceDevice(model, deviceKey, model.serial + 1);
    }

    function _open(Model storage model, uint256 ownerKey, bytes32 name, uint256 deviceKey) internal {
        _open(model, ownerKey, name, 0, deviceKey);
    }

    /// @dev A dataset that nobody has heard of.
    function _name(Model storage model, uint256 ownerKey, bytes32 name, uint8 kind) internal {
        (model.ownerKey, model.name, model.kind) = (ownerKey, name, kind);
        model.dataset = _id(vm.addr(ownerKey), name, kind);
    }

    /// @dev The owner sends a charter for another device.
    function _replaceDevice(Model storage model, uint256 deviceKey, uint32 serial) internal {
        (model.deviceKey, model.serial) = (deviceKey, serial);
        vm.prank(vm.addr(model.ownerKey));
        dissc.record(_list(_charter(model, address(0))), new IDISSC.Update[](0));
    }

    function _id(address owner, bytes32 name, uint8 kind) internal view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(dissc), owner, name, kind));
    }

    /// @dev Bytes that no two calls return.
    function _draw() internal returns (bytes32) {
        return keccak256(abi.encode("drawn", ++_drawn));
    }

    function _draw(uint256 count) internal returns (bytes32[] memory drawn) {
        drawn = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            drawn[i] = _draw();
        }
    }

    // ------------------------------------------------------------------------------------------------------- charters

    /// @dev What the model says, without a signature.
    function _charter(Model storage model, address anchorer) internal view returns (IDISSC.Charter memory charter) {
        charter.owner = vm.addr(model.ownerKey);
        charter.name = model.name;
        charter.kind = model.kind;
        charter.device = vm.addr(model.deviceKey);
        charter.anchorer = anchorer;
        charter.serial = model.serial;
        charter.from = uint64(model.leaves.length);
    }

    function _signedCharter(Model storage model) internal view returns (IDISSC.Charter memory charter) {
        charter = _charter(model, address(0));
        charter.signature = _sign(model.ownerKey, _charterDigest(block.chainid, address(dissc), charter));
    }

    function _charterDigest(uint256 chainId, address verifyingContract, IDISSC.Charter memory charter)
        internal
        pure
        returns (bytes32)
    {
        bytes32 typeHash =
            keccak256("Charter(bytes32 name,uint8 kind,address device,address anchorer,uint32 serial,uint64 from)");
        bytes32 structHash = keccak256(
            abi.encode(
                typeHash, charter.name, charter.kind, charter.device, charter.anchorer, charter.serial, charter.from
            )
        );
        return keccak256(abi.encodePacked("\x19\x01", _domain(chainId, verifyingContract), structHash));
    }

    // -------------------------------------------------------------------------------------------------------- updates

    /// @dev The update with which the dataset's device appends `fresh`.
    function _update(Model storage model, bytes32[] memory fresh) internal view returns (IDISSC.Update memory) {
        return _updateSignedBy(model, fresh, model.deviceKey);
    }

    function _updateSignedBy(Model storage model, bytes32[] memory fresh, uint256 key)
        internal
        view
        returns (IDISSC.Update memory update)
    {
        bytes32[] memory leaves = _after(model, fresh);
        uint256 before = model.leaves.length;
        update.dataset = model.dataset;
        update.size = uint64(leaves.length);
        update.root = NaiveTree.root(leaves);
        update.peaks = NaiveTree.peaks(leaves, before);
        update.appended = NaiveTree.appended(leaves, before);
        _signAgain(update, key);
    }

    /// @dev Signs an update's head as it stands there.
    function _signAgain(IDISSC.Update memory update, uint256 key) internal view {
        IDISSC.Head memory head = IDISSC.Head(update.size, update.root);
        update.signature = _sign(key, _headDigest(block.chainid, address(dissc), update.dataset, head));
    }

    /// @dev All leaves when `fresh` are appended.
    function _after(Model storage model, bytes32[] memory fresh) internal view returns (bytes32[] memory leaves) {
        bytes32[] memory before = model.leaves;
        leaves = new bytes32[](before.length + fresh.length);
        assembly ("memory-safe") {
            let size := mul(mload(before), 32)
            mcopy(add(leaves, 32), add(before, 32), size)
            mcopy(add(add(leaves, 32), size), add(fresh, 32), mul(mload(fresh), 32))
        }
    }

    /// @dev The device takes note that `fresh` are recorded.
    function _note(Model storage model, bytes32[] memory fresh) internal {
        for (uint256 i = 0; i < fresh.length; ++i) {
            model.leaves.push(fresh[i]);
        }
    }

    function _domain(uint256 chainId, address verifyingContract) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Plumbline DISSC"),
                keccak256("2"),
                chainId,
                verifyingContract
            )
        );
    }

    function _headDigest(uint256 chainId, address verifyingContract, bytes32 dataset, IDISSC.Head memory head)
        internal
        pure
        returns (bytes32)
    {
        bytes32 typeHash = keccak256("Head(bytes32 dataset,uint64 size,bytes32 root)");
        bytes32 structHash = keccak256(abi.encode(typeHash, dataset, head.size, head.root));
        return keccak256(abi.encodePacked("\x19\x01", _domain(chainId, verifyingContract), structHash));
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    // ------------------------------------------------------------------------------------------------------ recording

    function _list(IDISSC.Charter memory charter) internal pure returns (IDISSC.Charter[] memory charters) {
        charters = new IDISSC.Charter[](1);
        charters[0] = charter;
    }

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

    function _send(IDISSC.Update[] memory updates) internal returns (bool[] memory) {
        return dissc.record(new IDISSC.Charter[](0), updates);
    }

    function _send(IDISSC.Update memory update) internal returns (bool) {
        return _send(_list(update))[0];
    }

    /// @dev Records what must be accepted.
    function _record(Model storage model, bytes32[] memory fresh) internal {
        vm.assertTrue(_send(_update(model, fresh)), "an honest update is accepted");
        _note(model, fresh);
    }

    /// @dev Lets a log grow to `size` blocks, in one update.
    function _grow(Model storage model, uint256 size) internal {
        if (size > model.leaves.length) _record(model, _draw(size - model.leaves.length));
    }

    function _assertHead(Model storage model, string memory message) internal view {
        (uint64 size, bytes32 root) = dissc.head(model.dataset);
        vm.assertEq(size, model.leaves.length, string.concat(message, ": size"));
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

/// @title A test with a DISSC of its own, some time in 2026
abstract contract DisscTest is DisscModel {
    uint64 internal constant NOW = 1_800_000_000;

    function setUp() public virtual {
        vm.warp(NOW);
        dissc = _deploy();
    }
}
