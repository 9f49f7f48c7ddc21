// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { vm } from "../Cheats.sol";
import { DisscTest } from "../model/DisscTest.sol";
import { NaiveTree } from "../model/NaiveTree.sol";
import { Handler } from "./Handler.sol";

/// @title invariants.md, as far as it is not the handler's to check
contract DisscInvariants is DisscTest {
    Handler private handler;

    function setUp() public override {
        super.setUp();
        handler = new Handler(dissc);
    }

    /// @dev Read by forge: only the handler is called.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev 1, 4, 5 and 6: every dataset is what its own devices and owner have made of it.
    function invariant_EveryDatasetIsWhatItsDevicesAndOwnerMadeOfIt() public view {
        bytes32[] memory datasets = new bytes32[](handler.opened());
        for (uint256 i = 0; i < datasets.length; ++i) {
            (bytes32 dataset, address device, uint32 serial, bytes32[] memory leaves) = handler.modelAt(i);
            datasets[i] = dataset;
            (uint64 size, bytes32 root) = dissc.head(dataset);
            vm.assertEq(size, leaves.length, "size");
            vm.assertEq(root, NaiveTree.root(leaves), "root");
            (address seenDevice, uint32 seenSerial) = dissc.device(dataset);
            vm.assertEq(seenDevice, device, "device");
            vm.assertEq(seenSerial, serial, "serial");
            (uint64 rebuilt, bytes32[] memory peaks) = handler.rebuiltAt(i);
            vm.assertEq(rebuilt, size, "the size that the events lead to");
            bytes32[] memory expected = NaiveTree.peaks(leaves, size);
            vm.assertEq(abi.encode(peaks), abi.encode(expected), "the peaks that the events lead to");
        }
        IDISSC.Head[] memory heads = dissc.heads(datasets);
        for (uint256 i = 0; i < datasets.length; ++i) {
            (uint64 size, bytes32 root) = dissc.head(datasets[i]);
            vm.assertEq(abi.encode(heads[i]), abi.encode(size, root), "heads");
        }
        for (uint160 i = 0; i < 3; ++i) {
            vm.assertEq(dissc.round(address(0xA4C + i)), handler.rounds(address(0xA4C + i)), "round");
        }
    }

    /// @dev A long history in which nothing happened would show nothing. (A failure that is played again is a short one.)
    function afterInvariant() public view {
        if (handler.steps() < 40) return;
        vm.assertTrue(handler.acceptedUpdates() > 0, "something was accepted");
        vm.assertTrue(handler.refusedUpdates() > 0, "something was refused");
    }

    /// @dev The same history in every run: it shows what random play would, without chance.
    function test_AHistoryOfEverything() public {
        bytes4[10] memory steps = [
            Handler.openDataset.selector,
            Handler.replaceDevice.selector,
            Handler.usurp.selector,
            Handler.replayCharter.selector,
            Handler.anchor.selector,
            Handler.publishAndLink.selector,
            Handler.recordOne.selector,
            Handler.recordMany.selector,
            Handler.recordHostile.selector,
            Handler.recordMalformed.selector
        ];
        for (uint256 i = 0; i < 150; ++i) {
            uint256 dice = uint256(keccak256(abi.encode("history", i)));
            uint256 seed = uint256(keccak256(abi.encode("seed", i)));
            (bool ok,) = address(handler).call(abi.encodePacked(steps[dice % steps.length], seed, seed >> 8));
            vm.assertTrue(ok, "a step failed");
            if (i % 10 == 0) invariant_EveryDatasetIsWhatItsDevicesAndOwnerMadeOfIt();
        }
        vm.assertTrue(handler.acceptedUpdates() > 20 && handler.refusedUpdates() > 20, "updates of both kinds");
        vm.assertTrue(handler.replacements() > 2 && handler.opened() > 5, "charters");
    }
}
