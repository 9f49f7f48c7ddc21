// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { DisscTest } from "../model/DisscTest.sol";
import { Reenterer } from "../model/Reenterer.sol";

/// @title charter.tree, leaf by leaf
contract CharterTest is DisscTest {
    uint256 private constant OWNER = 0xA11CE;
    uint256 private constant DEVICE = 0xD0;
    uint256 private constant NEW_DEVICE = 0xD1;
    uint256 private constant STRANGER = 0x5;
    address private constant ANCHORER = address(0xA4C);
    uint32 private constant SERIAL = uint32(NOW);

    Model private model;
    Model private other;

    function setUp() public override {
        super.setUp();
        _name(model, OWNER, "one", 0);
        (model.deviceKey, model.serial) = (DEVICE, SERIAL);
        _open(other, OWNER, "other", DEVICE);
    }

    // ----------------------------------------------------------------------------------------------------------- skips

    function test_Skips_WhatIsNotNewer_WhateverElseIsWrong() public {
        _byOthers(_signedCharter(model));
        _grow(model, 3);
        uint32[3] memory serials = [SERIAL, SERIAL - 1, 0];
        for (uint256 i = 0; i < serials.length; ++i) {
            for (uint256 kind = 0; kind < 4; ++kind) {
                IDISSC.Charter memory charter = _charter(model, address(0));
                charter.serial = serials[i];
                charter.device = vm.addr(NEW_DEVICE);
                if (kind == 1) charter.device = address(0);
                if (kind == 2) charter.anchorer = ANCHORER;
                if (kind == 3) charter.signature = "nonsense";
                vm.recordLogs();
                vm.prank(kind % 2 == 0 ? vm.addr(OWNER) : vm.addr(STRANGER));
                dissc.record(_list(charter), new IDISSC.Update[](0));
                vm.assertEq(vm.getRecordedLogs().length, 0, "no event");
                _assertDevice(DEVICE, SERIAL);
            }
        }
        // Its update goes in all the same
        bytes32[] memory fresh = _draw(2);
        vm.assertTrue(dissc.record(_list(_signedCharter(model)), _list(_update(model, fresh)))[0], "accepted");
    }

    function test_Skips_TheSecondOfTwo() public {
        IDISSC.Charter[] memory charters = new IDISSC.Charter[](2);
        charters[0] = _signedCharter(model);
        charters[1] = _signedCharter(model);
        charters[1].device = vm.addr(NEW_DEVICE);
        vm.recordLogs();
        dissc.record(charters, new IDISSC.Update[](0));
        vm.assertEq(vm.getRecordedLogs().length, 1, "one event");
        _assertDevice(DEVICE, SERIAL);
    }

    function test_Skips_SerialZero() public {
        model.serial = 0;
        vm.recordLogs();
        vm.prank(vm.addr(OWNER));
        dissc.record(_list(_charter(model, address(0))), new IDISSC.Update[](0));
        vm.assertEq(vm.getRecordedLogs().length, 0, "no event");
        (address device, uint32 serial) = dissc.device(model.dataset);
        vm.assertTrue(device == address(0) && serial == 0, "unknown");
    }

    // --------------------------------------------------------------------------------------------------------- reverts

    function test_Reverts_ForAnotherKind() public {
        uint8[2] memory kinds = [uint8(3), 255];
        for (uint256 i = 0; i < kinds.length; ++i) {
            model.kind = kinds[i];
            _reverts(
                vm.addr(OWNER), _signedCharter(model), abi.encodeWithSelector(IDISSC.DISSC_BadKind.selector, kinds[i])
            );
        }
    }

    function test_Reverts_WithoutAnOwner() public {
        IDISSC.Charter memory charter = _charter(model, address(0));
        charter.owner = address(0);
        bytes[2] memory signatures = [bytes(""), abi.encodePacked(bytes32(0), bytes32(uint256(1)), uint8(27))];
        for (uint256 i = 0; i < signatures.length; ++i) {
            charter.signature = signatures[i];
            _reverts(vm.addr(STRANGER), charter, abi.encodeWithSelector(IDISSC.DISSC_ZeroOwner.selector));
        }
    }

    function test_Reverts_WithoutADevice() public {
        IDISSC.Charter memory charter = _charter(model, address(0));
        charter.device = address(0);
        charter.signature = _sign(OWNER, _charterDigest(block.chainid, address(dissc), charter));
        bytes memory reason = abi.encodeWithSelector(IDISSC.DISSC_ZeroDevice.selector, model.dataset);
        _reverts(vm.addr(OWNER), charter, reason);
        _reverts(vm.addr(STRANGER), charter, reason);
    }

    function test_Reverts_WhenTheSerialIsMoreThanADayAhead() public {
        uint32[2] memory serials = [SERIAL + 86_401, type(uint32).max];
        for (uint256 i = 0; i < serials.length; ++i) {
            model.serial = serials[i];
            bytes memory reason = abi.encodeWithSelector(
                IDISSC.DISSC_SerialTooHigh.selector, model.dataset, serials[i], uint256(SERIAL) + 86_400
            );
            _reverts(vm.addr(OWNER), _signedCharter(model), reason);
            _reverts(vm.addr(STRANGER), _signedCharter(model), reason);
        }
    }

    function test_Reverts_WhenAnotherSendsOneWithAnAnchorer() public {
        IDISSC.Charter memory charter = _charter(model, ANCHORER);
        charter.signature = _sign(OWNER, _charterDigest(block.chainid, address(dissc), charter));
        address[3] memory senders = [vm.addr(STRANGER), vm.addr(DEVICE), ANCHORER];
        for (uint256 i = 0; i < senders.length; ++i) {
            bytes memory reason =
                abi.encodeWithSelector(IDISSC.DISSC_NotOwner.selector, model.dataset, senders[i], vm.addr(OWNER));
            _reverts(senders[i], charter, reason);
        }
        // The thief's way around it: without the anchorer, the signature is another's
        charter.anchorer = address(0);
        _reverts(vm.addr(STRANGER), charter, _wrongSignature());
    }

    function test_Reverts_WhenTheOwnerHasNotSigned() public {
        IDISSC.Charter memory charter = _charter(model, address(0));
        bytes32 digest = _charterDigest(block.chainid, address(dissc), charter);
        bytes memory good = _sign(OWNER, digest);
        IDISSC.Head memory head = IDISSC.Head(1, _draw());
        bytes[13] memory wrong = [
            _sign(STRANGER, digest),
            _sign(DEVICE, digest),
            bytes(""),
            _sign(OWNER, _charterDigest(block.chainid + 1, address(dissc), charter)),
            _sign(OWNER, _charterDigest(block.chainid, address(this), charter)),
            _sign(OWNER, _headDigest(block.chainid, address(dissc), model.dataset, head)),
            _sign(OWNER, keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", digest))),
            _twin(good),
            bytes.concat(good, hex"00"),
            _withV(good, uint8(good[64]) - 27),
            _withV(good, 29),
            new bytes(65),
            abi.encodePacked(bytes32(0), bytes32(uint256(1)), uint8(27))
        ];
        for (uint256 i = 0; i < wrong.length; ++i) {
            charter.signature = wrong[i];
            _reverts(vm.addr(STRANGER), charter, _wrongSignature());
        }
        charter.signature = good;
        _byOthers(charter);
    }

    function test_Reverts_WhenAPartWasChanged() public {
        for (uint256 part = 0; part < 6; ++part) {
            IDISSC.Charter memory charter = _signedCharter(model);
            if (part == 0) charter.owner = vm.addr(STRANGER);
            if (part == 1) charter.name = "another";
            if (part == 2) charter.kind = 1;
            if (part == 3) charter.device = vm.addr(STRANGER);
            if (part == 4) charter.serial += 1;
            if (part == 5) charter.from += 1;
            bytes32 dataset = _id(charter.owner, charter.name, charter.kind);
            bytes memory reason =
                abi.encodeWithSelector(IDISSC.DISSC_WrongCharterSignature.selector, dataset, charter.owner);
            vm.expectRevert(reason);
            vm.prank(vm.addr(DEVICE));
            dissc.record(_list(charter), new IDISSC.Update[](0));
        }
    }

    function test_Reverts_AllOfTheCall() public {
        IDISSC.Charter[] memory charters = new IDISSC.Charter[](2);
        (charters[0], charters[1]) = (_signedCharter(model), _signedCharter(model));
        charters[1].name = "another";
        IDISSC.Update[] memory updates = _list(_update(other, _draw(1)));
        vm.expectPartialRevert(IDISSC.DISSC_WrongCharterSignature.selector);
        dissc.record(charters, updates);
        (address device,) = dissc.device(model.dataset);
        vm.assertEq(device, address(0), "the first");
        _assertHead(other, "as it was");
    }

    function test_Reverts_WhenItPointsOutside() public {
        bytes memory data = abi.encodeCall(IDISSC.record, (_list(_signedCharter(model)), new IDISSC.Update[](0)));
        // The offset of the only charter
        assembly ("memory-safe") {
            mstore(add(data, add(32, add(4, 0x60))), 0xffffffff)
        }
        (bool ok,) = address(dissc).call(data);
        vm.assertFalse(ok, "reverted");
    }

    // ----------------------------------------------------------------------------------------------------------- takes

    function test_Takes_TheOwnersOwn_WithoutASignature() public {
        address[2] memory anchorers = [ANCHORER, address(0)];
        uint256[2] memory keys = [DEVICE, NEW_DEVICE];
        for (uint256 i = 0; i < 2; ++i) {
            (model.deviceKey, model.serial) = (keys[i], SERIAL + uint32(i));
            IDISSC.Charter memory charter = _charter(model, anchorers[i]);
            charter.signature = i == 0 ? bytes("") : bytes("unread");
            charter.from = 77;
            vm.recordLogs();
            vm.prank(vm.addr(OWNER));
            dissc.record(_list(charter), new IDISSC.Update[](0));
            _assertChartered(vm.getRecordedLogs(), charter);
            _assertDevice(keys[i], model.serial);
        }
    }

    function test_Takes_AContractsOwn_AndNoneThatClaimsToBeSignedByIt() public {
        Reenterer wallet = new Reenterer();
        bytes32 dataset = _id(address(wallet), "its own", 1);
        IDISSC.Charter memory charter =
            IDISSC.Charter(address(wallet), "its own", 1, vm.addr(DEVICE), ANCHORER, SERIAL, 0, "");
        wallet.act(address(dissc), 0, abi.encodeCall(IDISSC.record, (_list(charter), new IDISSC.Update[](0))));
        (address device, uint32 serial) = dissc.device(dataset);
        vm.assertTrue(device == vm.addr(DEVICE) && serial == SERIAL, "on the chain");

        charter.anchorer = address(0);
        charter.serial = SERIAL + 1;
        bytes32 digest = _charterDigest(block.chainid, address(dissc), charter);
        charter.signature = _sign(DEVICE, digest);
        vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_WrongCharterSignature.selector, dataset, address(wallet)));
        dissc.record(_list(charter), new IDISSC.Update[](0));
    }

    function test_Takes_AReplacement_AndLeavesTheLog() public {
        _byOthers(_signedCharter(model));
        _grow(model, 9);
        (model.deviceKey, model.serial) = (NEW_DEVICE, SERIAL + 1);
        _byOthers(_signedCharter(model));
        _assertHead(model, "as it was");
        _assertDevice(NEW_DEVICE, SERIAL + 1);
        _grow(model, 12);
        _assertHead(model, "the new device goes on");
    }

    function test_Takes_WhatTheOwnerHasSigned_WithTheFirstUpdateInOneCall() public {
        for (uint8 kind = 0; kind <= 2; ++kind) {
            _name(model, OWNER, "each kind", kind);
            delete model.leaves;
            IDISSC.Charter memory charter = _signedCharter(model);
            bytes32[] memory fresh = _draw(5);
            vm.recordLogs();
            vm.prank(vm.addr(STRANGER));
            bool[] memory accepted = dissc.record(_list(charter), _list(_update(model, fresh)));
            Cheats.Log[] memory logs = vm.getRecordedLogs();
            vm.assertTrue(accepted.length == 1 && accepted[0], "the update, too");
            _note(model, fresh);
            _assertHead(model, "after it");
            vm.assertEq(logs.length, 2, "events");
            Cheats.Log[] memory first = new Cheats.Log[](1);
            first[0] = logs[0];
            _assertChartered(first, charter);
        }
    }

    function test_Takes_ASerialOneDayAhead() public {
        model.serial = SERIAL + 86_400;
        _byOthers(_signedCharter(model));
        _assertDevice(DEVICE, SERIAL + 86_400);
    }

    function test_Takes_NoReplay_AndNoWayBack() public {
        IDISSC.Charter memory first = _signedCharter(model);
        _byOthers(first);
        (model.deviceKey, model.serial) = (NEW_DEVICE, SERIAL + 1);
        _byOthers(_signedCharter(model));
        vm.recordLogs();
        _byOthers(first);
        vm.prank(vm.addr(OWNER));
        dissc.record(_list(first), new IDISSC.Update[](0));
        vm.assertEq(vm.getRecordedLogs().length, 0, "no event");
        _assertDevice(NEW_DEVICE, SERIAL + 1);
        // On another chain, of the same contract, it is a charter of another dataset, and not signed
        vm.chainId(block.chainid + 1);
        vm.expectPartialRevert(IDISSC.DISSC_WrongCharterSignature.selector);
        dissc.record(_list(first), new IDISSC.Update[](0));
    }

    // -------------------------------------------------------------------------------------------------------- the bench

    function _byOthers(IDISSC.Charter memory charter) private {
        vm.prank(vm.addr(STRANGER));
        dissc.record(_list(charter), new IDISSC.Update[](0));
    }

    function _reverts(address sender, IDISSC.Charter memory charter, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(sender);
        dissc.record(_list(charter), new IDISSC.Update[](0));
        (address device, uint32 serial) = dissc.device(model.dataset);
        vm.assertTrue(device == address(0) && serial == 0, "unknown as before");
    }

    function _wrongSignature() private view returns (bytes memory) {
        return abi.encodeWithSelector(IDISSC.DISSC_WrongCharterSignature.selector, model.dataset, vm.addr(OWNER));
    }

    function _assertDevice(uint256 key, uint32 serial) private view {
        (address device, uint32 seen) = dissc.device(model.dataset);
        vm.assertEq(device, vm.addr(key), "device");
        vm.assertEq(seen, serial, "serial");
    }

    function _assertChartered(Cheats.Log[] memory logs, IDISSC.Charter memory charter) private view {
        vm.assertEq(logs.length, 1, "one event");
        bytes32 topic = keccak256("Chartered(bytes32,address,bytes32,uint8,address,address,uint32,uint64)");
        vm.assertEq(logs[0].topics[0], topic, "Chartered");
        vm.assertEq(logs[0].topics[1], _id(charter.owner, charter.name, charter.kind), "dataset");
        vm.assertEq(logs[0].topics[2], bytes32(uint256(uint160(charter.owner))), "owner");
        vm.assertEq(
            logs[0].data,
            abi.encode(charter.name, charter.kind, charter.device, charter.anchorer, charter.serial, charter.from),
            "the rest"
        );
    }

    function _withV(bytes memory signature, uint8 v) private pure returns (bytes memory) {
        (bytes32 r, bytes32 s,) = _split(signature);
        return abi.encodePacked(r, s, v);
    }
}
