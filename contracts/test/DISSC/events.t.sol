// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { DisscTest } from "../model/DisscTest.sol";

/// @title events.tree, leaf by leaf
contract EventsTest is DisscTest {
    address private constant ANCHORER = address(0xA4C);
    address private constant STRANGER = address(0xBAD);

    // ---------------------------------------------------------------------------------------------------------- anchor

    function test_Anchor_Reverts_BehindAnotherRound() public {
        _wrong(ANCHORER, "anything", 0);
        bytes32 first = _anchor(ANCHORER, 0, "body");
        _wrong(ANCHORER, 0, first);
        _wrong(ANCHORER, first ^ bytes32(uint256(1)), first);
        bytes32 second = _anchor(ANCHORER, first, "body");
        _wrong(ANCHORER, first, second);
        // Another's newest is not one's own
        _wrong(STRANGER, second, 0);
    }

    function _wrong(address caller, bytes32 previous, bytes32 newest) private {
        vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_WrongPrevious.selector, caller, previous, newest));
        vm.prank(caller);
        dissc.anchor(previous, "body");
        vm.assertEq(dissc.round(caller), newest, "as it was");
    }

    function test_Anchor_KeepsTheRound() public {
        bytes32 previous = 0;
        uint64[4] memory times = [NOW, NOW, NOW + 12, type(uint64).max];
        for (uint256 i = 0; i < times.length; ++i) {
            vm.warp(times[i]);
            bytes32 body = _draw();
            bytes32 expected = sha256(bytes.concat(hex"05", bytes8(times[i]), previous, body));
            vm.recordLogs();
            vm.assertEq(_anchor(ANCHORER, previous, body), expected, "returned");
            Cheats.Log[] memory logs = vm.getRecordedLogs();
            vm.assertEq(dissc.round(ANCHORER), expected, "kept");
            vm.assertEq(logs.length, 1, "one event");
            vm.assertEq(logs[0].topics[0], keccak256("RoundAnchored(address,bytes32,bytes32,bytes32)"), "RoundAnchored");
            vm.assertEq(logs[0].topics[1], bytes32(uint256(uint160(ANCHORER))), "anchorer");
            vm.assertEq(logs[0].data, abi.encode(expected, previous, body), "round, previous, body");
            previous = expected;
        }
        vm.assertEq(dissc.round(STRANGER), 0, "another's");
        _anchor(STRANGER, 0, "body");
        vm.assertEq(dissc.round(ANCHORER), previous, "left alone");
    }

    function _anchor(address caller, bytes32 previous, bytes32 body) private returns (bytes32) {
        vm.prank(caller);
        return dissc.anchor(previous, body);
    }

    // --------------------------------------------------------------------------------------------------------- publish

    function test_Publish_Reverts_WithoutTheDigestsOfOneBatch() public {
        uint256[6] memory lengths = [uint256(0), 31, 33, 1024 * 32 - 1, 1024 * 32 + 1, 1025 * 32];
        for (uint256 i = 0; i < lengths.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_BadSealedLength.selector, lengths[i]));
            dissc.publish("dataset", 1, 0, "salt", "nonce", new bytes(lengths[i]));
        }
    }

    function test_Publish_SaysSo() public {
        uint256[3] memory numbers = [uint256(1), 17, 1024];
        for (uint256 i = 0; i < numbers.length; ++i) {
            bytes memory digests = abi.encodePacked(_draw(numbers[i]));
            vm.recordLogs();
            vm.prank(STRANGER);
            dissc.publish("dataset", 5, 77, "salt", i == 0 ? bytes16(0) : bytes16("nonce"), digests);
            Cheats.Log[] memory logs = vm.getRecordedLogs();
            vm.assertEq(logs.length, 1, "one event");
            bytes32 topic = keccak256("Published(bytes32,uint64,address,uint32,bytes32,bytes16,bytes)");
            vm.assertEq(logs[0].topics[0], topic, "Published");
            vm.assertEq(logs[0].topics[1], "dataset", "dataset");
            vm.assertEq(logs[0].topics[2], bytes32(uint256(77)), "first");
            vm.assertEq(logs[0].topics[3], bytes32(uint256(uint160(STRANGER))), "sender");
            bytes16 nonce = i == 0 ? bytes16(0) : bytes16("nonce");
            vm.assertEq(logs[0].data, abi.encode(uint32(5), bytes32("salt"), nonce, digests), "the rest");
        }
    }

    // ------------------------------------------------------------------------------------------------------------ link

    function test_Link_Reverts_ForAnotherKind() public {
        vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_BadKind.selector, uint8(3)));
        dissc.link("name", 3, 0, 1, "objects");
    }

    function test_Link_SaysSo_ForTheCallersOwn() public {
        for (uint8 kind = 0; kind <= 2; ++kind) {
            vm.recordLogs();
            vm.prank(STRANGER);
            dissc.link("name", kind, 5, 9, "objects");
            Cheats.Log[] memory logs = vm.getRecordedLogs();
            vm.assertEq(logs.length, 1, "one event");
            vm.assertEq(logs[0].topics[0], keccak256("ObjectsLinked(bytes32,uint64,uint32,bytes)"), "ObjectsLinked");
            vm.assertEq(logs[0].topics[1], _id(STRANGER, "name", kind), "the caller's dataset");
            vm.assertEq(logs[0].topics[2], bytes32(uint256(5)), "first");
            vm.assertEq(logs[0].data, abi.encode(uint32(9), bytes("objects")), "count, objects");
        }
    }
}
