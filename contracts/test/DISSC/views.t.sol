// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { vm } from "../Cheats.sol";
import { DisscTest } from "../model/DisscTest.sol";

/// @title views.tree, leaf by leaf
contract ViewsTest is DisscTest {
    uint256 private constant OWNER = 0xA11CE;
    uint256 private constant DEVICE = 0xD0;
    bytes32 private constant UNKNOWN = "nobody's";

    Model private empty;
    Model private short;
    Model private long;

    function setUp() public override {
        super.setUp();
        _open(empty, OWNER, "empty", DEVICE);
        _open(short, OWNER, "short", DEVICE);
        _open(long, OWNER, "long", DEVICE);
        _grow(short, 1);
        _grow(long, 45);
        _grow(long, 46);
    }

    function test_AreZeros_WhenNothingIsKnown() public view {
        (uint64 size, bytes32 root) = dissc.head(UNKNOWN);
        (address device, uint32 serial) = dissc.device(UNKNOWN);
        vm.assertTrue(size == 0 && root == 0 && device == address(0) && serial == 0, "zeros");
        vm.assertEq(dissc.round(address(this)), 0, "round");
    }

    function test_AreTheCharters_BeforeTheFirstRecord() public view {
        _assertHead(empty, "empty");
        (address device, uint32 serial) = dissc.device(empty.dataset);
        vm.assertTrue(device == vm.addr(DEVICE) && serial == empty.serial, "device");
    }

    function test_Head_IsTheNewest() public view {
        _assertHead(short, "short");
        _assertHead(long, "long");
    }

    function test_Heads_AreTheHeadsOfEach() public view {
        vm.assertEq(dissc.heads(new bytes32[](0)).length, 0, "of none");
        bytes32[6] memory asked = [long.dataset, empty.dataset, short.dataset, UNKNOWN, short.dataset, long.dataset];
        bytes32[] memory datasets = new bytes32[](asked.length);
        for (uint256 i = 0; i < asked.length; ++i) {
            datasets[i] = asked[i];
        }
        IDISSC.Head[] memory states = dissc.heads(datasets);
        vm.assertEq(states.length, asked.length, "as many");
        for (uint256 i = 0; i < asked.length; ++i) {
            (uint64 size, bytes32 root) = dissc.head(asked[i]);
            vm.assertEq(abi.encode(states[i]), abi.encode(size, root), "each");
        }
    }
}
