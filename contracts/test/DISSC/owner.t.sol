// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { DisscTest } from "../model/DisscTest.sol";

/// @title owner.tree, leaf by leaf
contract OwnerTest is DisscTest {
    address private constant OWNER = address(0xA11CE);
    address private constant STRANGER = address(0xBAD);
    uint256 private constant DEVICE = 0xD0;
    bytes32 private constant UNKNOWN = "nobody's";

    Model private model;

    function setUp() public override {
        super.setUp();
        _open(model, OWNER, "one", DEVICE);
        _record(model, _one(_rooted(100)));
    }

    // ------------------------------------------------------------------------------------------------------ setDevice

    function test_SetDevice_Reverts_ForAnUnknownDataset() public {
        vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_UnknownDataset.selector, UNKNOWN));
        vm.prank(OWNER);
        dissc.setDevice(UNKNOWN, STRANGER);
    }

    function test_SetDevice_Reverts_ForAnyoneButTheOwner() public {
        address[2] memory others = [STRANGER, vm.addr(DEVICE)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(_notOwner(others[i]));
            vm.prank(others[i]);
            dissc.setDevice(model.dataset, others[i]);
        }
        _assertHead(model, "as it was");
    }

    function test_SetDevice_Reverts_WithoutADevice() public {
        vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_ZeroDevice.selector, model.dataset));
        vm.prank(OWNER);
        dissc.setDevice(model.dataset, address(0));
    }

    function test_SetDevice_ReplacesTheDevice() public {
        vm.recordLogs();
        vm.prank(OWNER);
        dissc.setDevice(model.dataset, STRANGER);
        Cheats.Log[] memory logs = vm.getRecordedLogs();

        vm.assertEq(logs.length, 1, "one event");
        vm.assertEq(logs[0].topics[0], keccak256("DeviceSet(bytes32,address)"), "DeviceSet");
        vm.assertEq(logs[0].topics[1], model.dataset, "dataset");
        vm.assertEq(logs[0].topics[2], bytes32(uint256(uint160(STRANGER))), "device");
        (address owner, address device) = dissc.parties(model.dataset);
        vm.assertTrue(owner == OWNER && device == STRANGER, "parties");
        _assertHead(model, "as it was");
    }

    // ----------------------------------------------------------------------------------------------------------- link

    function test_Link_Reverts_ForAnUnknownDataset() public {
        vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_UnknownDataset.selector, UNKNOWN));
        vm.prank(OWNER);
        dissc.link(UNKNOWN, 0, 1, "x");
    }

    function test_Link_Reverts_ForAnyoneButTheOwner() public {
        address[2] memory others = [STRANGER, vm.addr(DEVICE)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(_notOwner(others[i]));
            vm.prank(others[i]);
            dissc.link(model.dataset, 0, 1, "x");
        }
    }

    function test_Link_Reverts_ForBlocksThatAreNotRecorded() public {
        uint64[5] memory firsts = [uint64(0), 100, 99, 0, type(uint64).max];
        uint32[5] memory counts = [uint32(0), 1, 2, 101, type(uint32).max];
        for (uint256 i = 0; i < firsts.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IDISSC.DISSC_RangeNotRecorded.selector, firsts[i], counts[i], uint64(100))
            );
            vm.prank(OWNER);
            dissc.link(model.dataset, firsts[i], counts[i], "x");
        }
    }

    function test_Link_Reverts_ForTooFewOrTooManyBytes() public {
        uint256[2] memory lengths = [uint256(0), 65_537];
        for (uint256 i = 0; i < lengths.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_BadObjectsLength.selector, lengths[i], 65_536));
            vm.prank(OWNER);
            dissc.link(model.dataset, 0, 1, new bytes(lengths[i]));
        }
    }

    function test_Link_EmitsTheObjects() public {
        _assertLinked(0, 100, "all");
        _assertLinked(99, 1, "x");
        _assertLinked(50, 3, new bytes(65_536));
    }

    function _assertLinked(uint64 first, uint32 count, bytes memory objects) private {
        vm.recordLogs();
        vm.prank(OWNER);
        dissc.link(model.dataset, first, count, objects);
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1, "one event");
        vm.assertEq(logs[0].topics[0], keccak256("ObjectsLinked(bytes32,uint64,uint32,bytes)"), "ObjectsLinked");
        vm.assertEq(logs[0].topics[1], model.dataset, "dataset");
        vm.assertEq(logs[0].topics[2], bytes32(uint256(first)), "first");
        vm.assertEq(logs[0].data, abi.encode(count, objects), "count, objects");
    }

    function _notOwner(address caller) private view returns (bytes memory) {
        return abi.encodeWithSelector(IDISSC.DISSC_NotOwner.selector, model.dataset, caller, OWNER);
    }
}
