// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IASC } from "../../src/interfaces/IASC.sol";
import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { AscTest } from "./AscTest.sol";

/// @title relay.tree, leaf by leaf
contract RelayTest is AscTest {
    function test_Relay_Reverts_WithoutAGrantForEachUpdate() public {
        bytes32[] memory grants = new bytes32[](2);
        IDISSC.Update[] memory updates = _list(_update(model, _batches(1)));
        vm.expectRevert(abi.encodeWithSelector(IASC.ASC_LengthMismatch.selector, 2, 1));
        asc.relay(grants, updates);
        vm.expectRevert(abi.encodeWithSelector(IASC.ASC_LengthMismatch.selector, 0, 1));
        asc.relay(new bytes32[](0), updates);
    }

    function test_Relay_ReturnsNothingForNothing() public {
        vm.assertEq(asc.relay(new bytes32[](0), new IDISSC.Update[](0)).length, 0, "reasons");
    }

    function test_Relay_DoesNotForward_WithoutAnAcceptedGrant() public {
        bytes32 ended = _grant(model.dataset, 0);
        vm.warp(UNTIL);
        asc.end(ended);
        vm.warp(NOW);
        bytes32[3] memory ids = [bytes32("unknown"), _authorise(_terms()), ended];
        for (uint256 i = 0; i < ids.length; ++i) {
            _refused(ids[i], model.dataset, _batches(1), IASC.ASC_WrongState.selector);
        }
    }

    function test_Relay_DoesNotForward_WhenTheGrantIsOver() public {
        bytes32 id = _grant(model.dataset, 1000);
        vm.warp(UNTIL);
        _refused(id, model.dataset, _batches(1), IASC.ASC_Over.selector);
        vm.warp(NOW);
        vm.prank(OWNER);
        asc.revoke(id);
        vm.warp(NOW + WINDOW);
        _refused(id, model.dataset, _batches(1), IASC.ASC_Over.selector);
        _assertMoney(0, 0, 1000);
    }

    function test_Relay_DoesNotForward_AnotherDatasetsUpdate() public {
        bytes32 id = _grant(second.dataset, 1000);
        _refused(id, model.dataset, _batches(1), IASC.ASC_WrongDataset.selector);
        _assertMoney(0, 0, 1000);
    }

    function test_Relay_DoesNotForward_WithoutEnoughFuel() public {
        bytes32 id = _grant(model.dataset, 0);
        _refused(id, model.dataset, _batches(1), IASC.ASC_TooLittleFuel.selector);
        _fund(id, 3 * PER_BATCH - 1);
        _refused(id, model.dataset, _batches(3), IASC.ASC_TooLittleFuel.selector);
        _assertMoney(0, 0, 3 * PER_BATCH - 1);
    }

    function test_Relay_CountsTheFuelForEachUpdateOfTheCall() public {
        // Two batches, then two again, but fuel for three
        bytes32 id = _grant(model.dataset, 3 * PER_BATCH);
        IDISSC.Update memory one = _update(model, _batches(2));
        IDISSC.Update[] memory updates = _list(one, one);
        bytes32[] memory grants = new bytes32[](2);
        (grants[0], grants[1]) = (id, id);
        bytes4[] memory reasons = asc.relay(grants, updates);
        vm.assertEq(bytes32(reasons[0]), 0, "the first");
        vm.assertEq(bytes32(reasons[1]), bytes32(IASC.ASC_TooLittleFuel.selector), "the second");
        _assertMoney(0, 2 * PER_BATCH, PER_BATCH);
    }

    function test_Relay_PaysNothing_ForWhatIsRefused() public {
        bytes32 id = _grant(model.dataset, 1000);
        Batch[] memory batches = _batches(3);
        IDISSC.Update memory forged = _updateSignedBy(model, batches, 0xBAD);
        vm.recordLogs();
        bytes4[] memory reasons = asc.relay(_ids(id), _list(forged));
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(bytes32(reasons[0]), bytes32(IASC.ASC_Refused.selector), "reason");
        vm.assertEq(logs.length, 2, "two events");
        vm.assertEq(logs[0].topics[0], IDISSC.UpdateRefused.selector, "DISSC says why");
        _assertNotRelayed(logs[1], id, model.dataset, IASC.ASC_Refused.selector);
        vm.assertEq(asc.grant(id).fuel, 1000, "fuel");
        _assertMoney(0, 0, 1000);
        _assertHead(model, "as it was");
        // Leaves that are no whole number of batches, too
        forged.leaves = new bytes(100);
        reasons = asc.relay(_ids(id), _list(forged));
        vm.assertEq(bytes32(reasons[0]), bytes32(IASC.ASC_Refused.selector), "reason");
        _assertMoney(0, 0, 1000);
    }

    function test_Relay_PaysTheCss() public {
        bytes32 id = _grant(model.dataset, 4 * PER_BATCH);
        address[3] memory relayers = [CSS, STRANGER, OWNER];
        uint256[3] memory numbers = [uint256(1), 2, 1];
        uint256 paid = 0;
        for (uint256 i = 0; i < relayers.length; ++i) {
            if (i == 2) vm.warp(UNTIL - 1);
            Batch[] memory batches = _batches(numbers[i]);
            IDISSC.Update[] memory updates = _list(_update(model, batches));
            vm.recordLogs();
            vm.prank(relayers[i]);
            bytes4[] memory reasons = asc.relay(_ids(id), updates);
            Cheats.Log[] memory logs = vm.getRecordedLogs();
            _note(model, batches);
            _assertHead(model, "recorded");
            uint256 cost = numbers[i] * PER_BATCH;
            paid += cost;
            vm.assertEq(reasons.length, 1, "one reason");
            vm.assertEq(bytes32(reasons[0]), 0, "none");
            vm.assertEq(logs.length, 2, "two events");
            vm.assertEq(logs[0].topics[0], IDISSC.Recorded.selector, "Recorded");
            vm.assertEq(logs[1].topics[0], IASC.Relayed.selector, "Relayed");
            vm.assertEq(logs[1].topics[1], id, "id");
            vm.assertEq(logs[1].data, abi.encode(numbers[i], cost), "batches, paid");
            vm.assertEq(asc.grant(id).fuel, 4 * PER_BATCH - paid, "fuel");
            _assertMoney(0, paid, 4 * PER_BATCH - paid);
        }
        vm.prank(CSS);
        asc.withdraw(CSS);
        vm.assertEq(CSS.balance, 4 * PER_BATCH, "withdrawn");
    }

    function test_Relay_PaysAfterARevocation_UntilTheEnd() public {
        bytes32 id = _grant(model.dataset, 1000);
        vm.prank(OWNER);
        asc.revoke(id);
        vm.warp(NOW + WINDOW - 1);
        bytes4[] memory reasons = asc.relay(_ids(id), _list(_update(model, _batches(2))));
        vm.assertEq(bytes32(reasons[0]), 0, "recorded");
        _assertMoney(0, 2 * PER_BATCH, 1000 - 2 * PER_BATCH);
    }

    function test_Relay_RecordsForNothing_WhenThatIsThePrice() public {
        IASC.Terms memory terms = _terms();
        terms.perBatch = 0;
        bytes32 id = _authorise(terms);
        vm.prank(CSS);
        asc.accept(id);
        Batch[] memory batches = _batches(2);
        bytes4[] memory reasons = asc.relay(_ids(id), _list(_update(model, batches)));
        vm.assertEq(bytes32(reasons[0]), 0, "recorded");
        _note(model, batches);
        _assertHead(model, "recorded");
        _assertMoney(0, 0, 0);
    }

    /// @dev Good, another dataset's, good, forged, good but without fuel.
    function test_Relay_PaysForTheAcceptedOnes_AmongMany() public {
        bytes32 one = _grant(model.dataset, 5 * PER_BATCH);
        bytes32 two = _grant(second.dataset, 3 * PER_BATCH);
        bytes32 dry = _grant(second.dataset, 0);
        Batch[] memory batches = _batches(2);
        Batch[] memory others = _batches(3);
        IDISSC.Update[] memory updates = new IDISSC.Update[](5);
        updates[0] = _update(model, batches);
        updates[1] = _update(model, batches);
        updates[2] = _update(second, others);
        updates[3] = _updateSignedBy(model, batches, 0xBAD);
        updates[4] = _update(second, others);
        bytes32[] memory grants = new bytes32[](5);
        (grants[0], grants[1], grants[2], grants[3], grants[4]) = (one, two, two, one, dry);
        vm.recordLogs();
        bytes4[] memory reasons = asc.relay(grants, updates);
        Cheats.Log[] memory logs = vm.getRecordedLogs();

        bytes4[5] memory expected = [
            bytes4(0),
            IASC.ASC_WrongDataset.selector,
            bytes4(0),
            IASC.ASC_Refused.selector,
            IASC.ASC_TooLittleFuel.selector
        ];
        for (uint256 i = 0; i < 5; ++i) {
            vm.assertEq(bytes32(reasons[i]), bytes32(expected[i]), "reason");
        }
        _note(model, batches);
        _note(second, others);
        _assertHead(model, "one");
        _assertHead(second, "two");
        _assertMoney(0, 5 * PER_BATCH, 3 * PER_BATCH);
        vm.assertEq(asc.grant(one).fuel, 3 * PER_BATCH, "one's fuel");
        vm.assertEq(asc.grant(two).fuel, 0, "two's fuel");
        // DISSC was called once, with what was forwarded; then come the grants' events
        vm.assertEq(logs.length, 8, "events");
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertEq(logs[i].emitter, address(dissc), "DISSC's first");
        }
        _assertNotRelayed(logs[4], two, model.dataset, IASC.ASC_WrongDataset.selector);
        _assertNotRelayed(logs[6], one, model.dataset, IASC.ASC_Refused.selector);
        _assertNotRelayed(logs[7], dry, second.dataset, IASC.ASC_TooLittleFuel.selector);
    }

    function test_Relay_PaysOnce() public {
        bytes32 id = _grant(model.dataset, 1000);
        IDISSC.Update[] memory updates = _list(_update(model, _batches(2)));
        asc.relay(_ids(id), updates);
        bytes4[] memory reasons = asc.relay(_ids(id), updates);
        vm.assertEq(bytes32(reasons[0]), bytes32(IASC.ASC_Refused.selector), "a replay");
        _assertMoney(0, 2 * PER_BATCH, 1000 - 2 * PER_BATCH);
    }

    /// @dev A published batch goes through whole.
    function test_Relay_ForwardsSealedDigests() public {
        bytes32 id = _grant(model.dataset, 1000);
        Batch[] memory batches = _one(_published(1024));
        bytes4[] memory reasons = asc.relay(_ids(id), _list(_update(model, batches)));
        vm.assertEq(bytes32(reasons[0]), 0, "recorded");
        _note(model, batches);
        _assertHead(model, "published");
    }

    function _refused(bytes32 id, bytes32 dataset, Batch[] memory batches, bytes4 reason) private {
        IDISSC.Update[] memory updates = _list(_update(model, batches));
        vm.recordLogs();
        bytes4[] memory reasons = asc.relay(_ids(id), updates);
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(bytes32(reasons[0]), bytes32(reason), "reason");
        vm.assertEq(logs.length, 1, "nothing was forwarded");
        _assertNotRelayed(logs[0], id, dataset, reason);
        _assertHead(model, "as it was");
    }

    function _assertNotRelayed(Cheats.Log memory log, bytes32 id, bytes32 dataset, bytes4 reason) private pure {
        vm.assertEq(log.topics[0], IASC.NotRelayed.selector, "NotRelayed");
        vm.assertEq(log.topics[1], id, "id");
        vm.assertEq(log.topics[2], dataset, "dataset");
        vm.assertEq(log.data, abi.encode(reason), "reason");
    }

    function _batches(uint256 number) private returns (Batch[] memory batches) {
        batches = new Batch[](number);
        for (uint256 i = 0; i < number; ++i) {
            batches[i] = _rooted(uint32(10 + i));
        }
    }

    function _ids(bytes32 id) private pure returns (bytes32[] memory ids) {
        ids = new bytes32[](1);
        ids[0] = id;
    }
}
