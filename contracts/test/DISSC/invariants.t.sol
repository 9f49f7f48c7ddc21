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

    /// @dev 1, 2 and 4: every dataset is what its own device and owner have made of it.
    function invariant_EveryDatasetIsWhatItsDeviceAndOwnerMadeOfIt() public view {
        bytes32[] memory datasets = new bytes32[](handler.opened());
        for (uint256 i = 0; i < datasets.length; ++i) {
            (bytes32 dataset, address owner, address device, uint64 size, bytes[] memory leaves) = handler.modelAt(i);
            datasets[i] = dataset;
            (uint64 seenSize, uint32 batches, bytes32 root) = dissc.head(dataset);
            vm.assertEq(seenSize, size, "size");
            vm.assertEq(batches, leaves.length, "batches");
            vm.assertEq(root, NaiveTree.root(leaves), "root");
            (address seenOwner, address seenDevice) = dissc.parties(dataset);
            vm.assertEq(seenOwner, owner, "owner");
            vm.assertEq(seenDevice, device, "device");
        }
        IDISSC.Head[] memory heads = dissc.heads(datasets);
        for (uint256 i = 0; i < datasets.length; ++i) {
            (uint64 size, uint32 batches, bytes32 root) = dissc.head(datasets[i]);
            vm.assertEq(abi.encode(heads[i]), abi.encode(size, batches, root), "heads");
        }
    }

    /// @dev A long history in which nothing happened would show nothing. (A failure that is played again is a short one.)
    function afterInvariant() public view {
        if (handler.steps() < 40) return;
        vm.assertTrue(handler.acceptedUpdates() > 0, "something was accepted");
        vm.assertTrue(handler.refusedUpdates() > 0, "something was refused");
        vm.assertTrue(handler.publishedBatches() > 0, "something was published");
    }
}
