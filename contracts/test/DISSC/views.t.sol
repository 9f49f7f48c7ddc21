// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { vm } from "../Cheats.sol";
import { DisscTest } from "../model/DisscTest.sol";

/// @title views.tree, leaf by leaf
contract ViewsTest is DisscTest {
    address private constant OWNER = address(0xA11CE);
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
        _record(short, _one(_rooted(3)));
        _grow(long, 45);
    }

    function test_Head_IsZeros_WhenEmptyOrUnknown() public view {
        _assertHead(empty, "empty");
        (uint64 size, uint32 batches, bytes32 root) = dissc.head(UNKNOWN);
        vm.assertTrue(size == 0 && batches == 0 && root == 0, "unknown");
    }

    function test_Head_IsWhatWasRecorded() public view {
        _assertHead(short, "short");
        _assertHead(long, "long");
    }

    function test_Heads_OfNone() public view {
        vm.assertEq(dissc.heads(new bytes32[](0)).length, 0, "none");
    }

    function test_Heads_AreTheHeadsOfEach() public view {
        bytes32[6] memory asked = [long.dataset, empty.dataset, short.dataset, UNKNOWN, short.dataset, long.dataset];
        bytes32[] memory datasets = new bytes32[](asked.length);
        for (uint256 i = 0; i < asked.length; ++i) {
            datasets[i] = asked[i];
        }
        IDISSC.Head[] memory states = dissc.heads(datasets);
        vm.assertEq(states.length, asked.length, "as many");
        for (uint256 i = 0; i < asked.length; ++i) {
            (uint64 size, uint32 batches, bytes32 root) = dissc.head(asked[i]);
            vm.assertEq(abi.encode(states[i]), abi.encode(size, batches, root), "each");
        }
    }

    function test_Parties_AreZeros_WhenUnknown() public view {
        (address owner, address device) = dissc.parties(UNKNOWN);
        vm.assertTrue(owner == address(0) && device == address(0), "unknown");
    }

    function test_Parties_AreOwnerAndDevice() public view {
        (address owner, address device) = dissc.parties(empty.dataset);
        vm.assertTrue(owner == OWNER && device == vm.addr(DEVICE), "open");
    }
}
