// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { DisscTest } from "../model/DisscTest.sol";

/// @title open.tree, leaf by leaf
contract OpenTest is DisscTest {
    address private constant OWNER = address(0xA11CE);
    address private constant DEVICE = address(0xD0);

    // ---------------------------------------------------------------------------------------------------- openDataset

    function test_Reverts_WithoutADevice() public {
        vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_ZeroDevice.selector, _id(block.chainid, OWNER, "name")));
        vm.prank(OWNER);
        dissc.openDataset("name", address(0));
    }

    function test_Reverts_WhenTheNameIsTaken() public {
        vm.prank(OWNER);
        bytes32 dataset = dissc.openDataset("name", DEVICE);
        vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_AlreadyOpen.selector, dataset));
        vm.prank(OWNER);
        dissc.openDataset("name", address(0xD1));
        _assertOpen(dataset, OWNER, DEVICE);
    }

    function testFuzz_Opens_AnEmptyLog(address owner, bytes32 name, address device) public {
        vm.assume(device != address(0) && owner != address(0));
        vm.recordLogs();
        vm.prank(owner);
        bytes32 dataset = dissc.openDataset(name, device);
        Cheats.Log[] memory logs = vm.getRecordedLogs();

        vm.assertEq(dataset, _id(block.chainid, owner, name), "id");
        vm.assertEq(logs.length, 1, "one event");
        _assertOpened(logs[0], dataset, owner, name, device);
        _assertOpen(dataset, owner, device);
    }

    function test_Opens_TheSameNameForAnotherOwner() public {
        vm.prank(OWNER);
        bytes32 dataset = dissc.openDataset("name", DEVICE);
        vm.prank(address(0xB0B));
        bytes32 other = dissc.openDataset("name", DEVICE);
        vm.assertTrue(dataset != other, "two ids");
        _assertOpen(dataset, OWNER, DEVICE);
        _assertOpen(other, address(0xB0B), DEVICE);
    }

    function test_Opens_TheSameNameOnAnotherChain() public {
        vm.prank(OWNER);
        bytes32 dataset = dissc.openDataset("name", DEVICE);
        vm.chainId(block.chainid + 1);
        vm.prank(OWNER);
        vm.assertTrue(dissc.openDataset("name", DEVICE) != dataset, "two ids");
    }

    function test_Opens_TheZeroName() public {
        vm.prank(OWNER);
        _assertOpen(dissc.openDataset(0, DEVICE), OWNER, DEVICE);
    }

    // --------------------------------------------------------------------------------------------------- openDatasets

    function test_Reverts_WithoutADeviceForEachName() public {
        (bytes32[] memory names, address[] memory devices) = _fleet(3);
        address[] memory fewer = new address[](2);
        vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_LengthMismatch.selector, 3, 2));
        dissc.openDatasets(names, fewer);

        bytes32[] memory fewerNames = new bytes32[](2);
        vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_LengthMismatch.selector, 2, 3));
        dissc.openDatasets(fewerNames, devices);
    }

    function test_OpensNone_WhenOneDeviceIsZero() public {
        (bytes32[] memory names, address[] memory devices) = _fleet(3);
        devices[2] = address(0);
        vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_ZeroDevice.selector, _id(block.chainid, OWNER, names[2])));
        vm.prank(OWNER);
        dissc.openDatasets(names, devices);
        _assertOpen(_id(block.chainid, OWNER, names[0]), address(0), address(0));
    }

    function test_OpensNone_WhenOneNameStandsThereTwice() public {
        (bytes32[] memory names, address[] memory devices) = _fleet(3);
        names[2] = names[0];
        vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_AlreadyOpen.selector, _id(block.chainid, OWNER, names[0])));
        vm.prank(OWNER);
        dissc.openDatasets(names, devices);
        _assertOpen(_id(block.chainid, OWNER, names[0]), address(0), address(0));
    }

    function test_OpensNone_WhenOneNameIsTaken() public {
        (bytes32[] memory names, address[] memory devices) = _fleet(3);
        vm.prank(OWNER);
        bytes32 taken = dissc.openDataset(names[1], DEVICE);
        vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_AlreadyOpen.selector, taken));
        vm.prank(OWNER);
        dissc.openDatasets(names, devices);
        _assertOpen(_id(block.chainid, OWNER, names[0]), address(0), address(0));
        _assertOpen(taken, OWNER, DEVICE);
    }

    function test_OpensNone_WithoutNames() public {
        vm.recordLogs();
        vm.assertEq(dissc.openDatasets(new bytes32[](0), new address[](0)).length, 0, "ids");
        vm.assertEq(vm.getRecordedLogs().length, 0, "events");
    }

    function test_Opens_AFleet() public {
        (bytes32[] memory names, address[] memory devices) = _fleet(50);
        vm.recordLogs();
        vm.prank(OWNER);
        bytes32[] memory datasets = dissc.openDatasets(names, devices);
        Cheats.Log[] memory logs = vm.getRecordedLogs();

        vm.assertEq(datasets.length, 50, "ids");
        vm.assertEq(logs.length, 50, "events");
        for (uint256 i = 0; i < 50; ++i) {
            vm.assertEq(datasets[i], _id(block.chainid, OWNER, names[i]), "id");
            _assertOpened(logs[i], datasets[i], OWNER, names[i], devices[i]);
            _assertOpen(datasets[i], OWNER, devices[i]);
        }
    }

    // ------------------------------------------------------------------------------------------------------ the bench

    function _fleet(uint256 count) private pure returns (bytes32[] memory names, address[] memory devices) {
        (names, devices) = (new bytes32[](count), new address[](count));
        for (uint256 i = 0; i < count; ++i) {
            (names[i], devices[i]) = (bytes32(i), address(uint160(1000 + i)));
        }
    }

    function _id(uint256 chainId, address owner, bytes32 name) private view returns (bytes32) {
        return keccak256(abi.encode(chainId, address(dissc), owner, name));
    }

    function _assertOpen(bytes32 dataset, address owner, address device) private view {
        (address seenOwner, address seenDevice) = dissc.parties(dataset);
        vm.assertEq(seenOwner, owner, "owner");
        vm.assertEq(seenDevice, device, "device");
        (uint64 size, uint32 batches, bytes32 root) = dissc.head(dataset);
        vm.assertTrue(size == 0 && batches == 0 && root == 0, "an empty log");
    }

    function _assertOpened(Cheats.Log memory log, bytes32 dataset, address owner, bytes32 name, address device)
        private
        pure
    {
        vm.assertEq(log.topics[0], keccak256("DatasetOpened(bytes32,address,bytes32,address)"), "DatasetOpened");
        vm.assertEq(log.topics[1], dataset, "dataset");
        vm.assertEq(log.topics[2], bytes32(uint256(uint160(owner))), "owner");
        vm.assertEq(log.data, abi.encode(name, device), "name, device");
    }
}
